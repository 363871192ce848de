package gguf

import "fmt"

// maxNesting bounds arrays of arrays. No known file nests them at all.
const maxNesting = 8

// valueType reads and checks a type id.
func (c *cursor) valueType() (ValueType, error) {
	n, err := c.u32()
	if err != nil {
		return 0, err
	}
	if t := ValueType(n); t.known() {
		return t, nil
	}
	return 0, fmt.Errorf("%w: value type %d, expected 0 to %d", ErrMalformed, n, len(valueTypes)-1)
}

// skip walks over a value and checks it, so that decoding it later cannot fail.
func (c *cursor) skip(t ValueType, depth int) error {
	switch t {
	case Array:
		return c.skipArray(depth)
	case String:
		_, err := c.str()
		return err
	default:
		return c.skipFixed(t, 1)
	}
}

func (c *cursor) skipArray(depth int) error {
	if depth >= maxNesting {
		return fmt.Errorf("%w: arrays nested deeper than %d", ErrMalformed, maxNesting)
	}
	elem, n, err := c.arrayHead()
	if err != nil {
		return err
	}
	if elem.fixed() {
		return c.skipFixed(elem, n)
	}
	for i := range n {
		if err := c.skip(elem, depth+1); err != nil {
			return fmt.Errorf("element %d of %d: %w", i, n, err)
		}
	}
	return nil
}

// arrayHead reads the element type and count. The count is checked against the
// bytes that are left, which also keeps its products from overflowing.
func (c *cursor) arrayHead() (ValueType, uint64, error) {
	elem, err := c.valueType()
	if err != nil {
		return 0, 0, err
	}
	n, err := c.u64()
	if err != nil {
		return 0, 0, err
	}
	if n > c.left()/elem.size() {
		return 0, 0, fmt.Errorf("%w: array of %d %s values at offset %d, %d bytes left", ErrTruncated, n, elem, c.at, c.left())
	}
	return elem, n, nil
}

// skipFixed walks over n values of a fixed-size type. The format allows only 0
// and 1 as a bool.
func (c *cursor) skipFixed(t ValueType, n uint64) error {
	b, err := c.take(n * t.size())
	if err != nil {
		return err
	}
	if t != Bool {
		return nil
	}
	for _, v := range b {
		if v > 1 {
			return fmt.Errorf("%w: bool value %d, expected 0 or 1", ErrMalformed, v)
		}
	}
	return nil
}
