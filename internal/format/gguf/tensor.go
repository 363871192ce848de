package gguf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// maxDims is ggml's bound on dimensions.
const maxDims = 4

// A Tensor says what a tensor is and where its bytes are. The zero value is no
// tensor; values come from a File and are good for that File only.
type Tensor struct {
	Name string
	// Type may be one that this program does not know (see quant.Type.Known): such
	// a tensor is an error only once its bytes are asked for.
	Type quant.Type
	Dims []uint64 // ne[0] first: the row length, then the number of rows, ...; 1 to 4 entries, each at least 1
	Size int64    // bytes; 0 if Type is unknown

	shard int
	at    uint64 // offset in the shard's file
}

// Elems returns the number of elements.
func (t *Tensor) Elems() uint64 {
	n := uint64(1)
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Offset returns where the tensor's bytes are: which shard, counted from 0, and
// at which byte of that file.
func (t *Tensor) Offset() (shard int, at int64) { return t.shard, int64(t.at) }

// parseInfos walks over the tensor infos.
func (s *shard) parseInfos(c *cursor, no int, n uint64) error {
	s.infos = make([]ref, n)
	for i := range s.infos {
		s.infos[i] = makeRef(no, c.at)
		name, err := c.name()
		if err != nil {
			return fmt.Errorf("tensor info %d of %d: %w", i, n, err)
		}
		if err := c.skipInfo(); err != nil {
			return fmt.Errorf("tensor %.80q: %w", name, err)
		}
	}
	return nil
}

// skipInfo walks over the part of an info after the name and checks its shape.
func (c *cursor) skipInfo() error {
	nDims, err := c.u32()
	if err != nil {
		return err
	}
	if nDims > maxDims {
		return fmt.Errorf("%w: %d dimensions, expected at most %d", ErrMalformed, nDims, maxDims)
	}
	b, err := c.take(8*uint64(nDims) + 12)
	if err != nil {
		return err
	}
	_, err = sizeOf(infoType(b, nDims), decodeDims(make([]uint64, 0, maxDims), b, nDims))
	return err
}

func infoType(b []byte, nDims uint32) quant.Type {
	return quant.Type(binary.LittleEndian.Uint32(b[8*nDims:]))
}

// decodeDims appends the dimensions to dst; a scalar's none become {1}.
func decodeDims(dst []uint64, b []byte, nDims uint32) []uint64 {
	for i := range nDims {
		dst = append(dst, binary.LittleEndian.Uint64(b[8*i:]))
	}
	if nDims == 0 {
		dst = append(dst, 1)
	}
	return dst
}

// sizeOf returns the bytes of a tensor, 0 for an unknown type. Its errors copy
// dims, so that the callers' arrays can stay on the stack.
func sizeOf(t quant.Type, dims []uint64) (uint64, error) {
	elems := uint64(1)
	for _, d := range dims {
		hi, lo := bits.Mul64(elems, d)
		if d == 0 || hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("%w: dimensions %v, expected each at least 1 and a product below 2^63", ErrMalformed, slices.Clone(dims))
		}
		elems = lo
	}
	if !t.Known() {
		return 0, nil
	}
	block := uint64(t.BlockElems())
	if dims[0]%block != 0 {
		return 0, fmt.Errorf("%w: rows of %d elements, %s needs a multiple of %d", ErrMalformed, dims[0], t, block)
	}
	hi, size := bits.Mul64(elems/block, uint64(t.BlockBytes()))
	if hi != 0 || size > math.MaxInt64 {
		return 0, fmt.Errorf("%w: dimensions %v of %s take more than 2^63 bytes", ErrMalformed, slices.Clone(dims), t)
	}
	return size, nil
}

// info returns the fixed part of the checked info at offset at, and its number
// of dimensions.
func (s *shard) info(at uint64) (b []byte, nDims uint32) {
	at += 8 + uint64(len(nameAt(s.data, at)))
	return s.data[at+4:], binary.LittleEndian.Uint32(s.data[at:])
}

// extent returns where the tensor of an info begins, relative to the data
// section, and how many bytes it has.
func (s *shard) extent(at uint64) (lo, size uint64) {
	var dims [maxDims]uint64
	b, n := s.info(at)
	size, _ = sizeOf(infoType(b, n), decodeDims(dims[:0], b, n)) // checked by skipInfo
	return binary.LittleEndian.Uint64(b[8*n+4:]), size
}

// tensor decodes a checked info.
func (s *shard) tensor(r ref) Tensor {
	b, n := s.info(r.at())
	lo, size := s.extent(r.at())
	return Tensor{
		Name:  string(nameAt(s.data, r.at())),
		Type:  infoType(b, n),
		Dims:  decodeDims(make([]uint64, 0, max(n, 1)), b, n),
		Size:  int64(size),
		shard: r.shard(),
		at:    s.start + lo,
	}
}

// checkRanges makes sure that every tensor is aligned and inside the file and
// that no two share a byte.
func (s *shard) checkRanges(align uint64) error {
	if len(s.infos) == 0 {
		return nil
	}
	order := make([]uint32, len(s.infos))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int {
		la, _ := s.extent(s.infos[a].at())
		lb, _ := s.extent(s.infos[b].at())
		return cmp.Compare(la, lb)
	})
	have := uint64(0) // bytes in the data section
	if n := uint64(len(s.data)); n > s.start {
		have = n - s.start
	}
	end, last := uint64(0), ref(0) // where the tensors so far end, and the one that does
	for _, i := range order {
		r := s.infos[i]
		lo, size := s.extent(r.at())
		size = max(size, 1) // an unknown type has some bytes, we cannot say how many
		name := nameAt(s.data, r.at())
		switch {
		case lo%align != 0:
			return fmt.Errorf("%w: tensor %.80q at offset %d, expected a multiple of %d", ErrMalformed, name, lo, align)
		case lo < end:
			return fmt.Errorf("%w: tensor %.80q at offset %d begins inside %.80q, which ends at %d", ErrMalformed, name, lo, nameAt(s.data, last.at()), end)
		case lo > have || size > have-lo:
			return fmt.Errorf("%w: tensor %.80q needs %d bytes at offset %d of the data section, which has %d; the file is cut short or still being downloaded", ErrTruncated, name, size, lo, have)
		}
		end, last = lo+size, r
	}
	return nil
}
