package gguf

import (
	"encoding/binary"
	"fmt"
)

// A cursor walks the bytes of a file and never past them.
type cursor struct {
	b  []byte
	at uint64 // <= len(b)
}

func (c *cursor) left() uint64 { return uint64(len(c.b)) - c.at }

// take returns the next n bytes as a view.
func (c *cursor) take(n uint64) ([]byte, error) {
	if n > c.left() {
		return nil, c.short(n)
	}
	b := c.b[c.at : c.at+n]
	c.at += n
	return b, nil
}

func (c *cursor) short(n uint64) error {
	return fmt.Errorf("%w: %d bytes needed at offset %d, %d left", ErrTruncated, n, c.at, c.left())
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// str returns the bytes of the next string as a view.
func (c *cursor) str() ([]byte, error) {
	n, err := c.u64()
	if err != nil {
		return nil, err
	}
	b, err := c.take(n)
	if err != nil {
		return nil, fmt.Errorf("string: %w", err)
	}
	return b, nil
}
