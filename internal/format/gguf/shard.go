package gguf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/machine/mem"
)

const (
	magic            = "GGUF"
	defaultAlignment = 32
	maxAlignment     = 1 << 24
	maxName          = 1<<16 - 1 // the format's bound on keys; used for tensors too
	minKey           = 8 + 1 + 4 + 1
	minInfo          = 8 + 1 + 4 + 4 + 8
)

// A shard is one file of a model.
type shard struct {
	path    string
	file    *os.File // nil for OpenBytes
	unmap   func() error
	data    []byte // the whole file
	version int
	keys    index
	infos   []ref  // tensor infos in file order
	start   uint64 // of the data section; may lie past the end if there are no tensors
}

// openShard opens, maps and checks one file.
func openShard(path string, no int) (*shard, error) {
	size, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, unmap, err := mem.Map(f, size)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s := &shard{path: path, file: f, unmap: unmap, data: data}
	if err := s.parse(no); err != nil {
		return nil, errors.Join(partialHint(path, err), s.close())
	}
	return s, nil
}

func (s *shard) close() error {
	var errs []error
	if s.unmap != nil {
		errs = append(errs, s.unmap())
	}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	s.data, s.unmap, s.file = nil, nil, nil
	return errors.Join(errs...)
}

// parse reads the header. no is the shard's place in the model, which its
// tensor records carry.
func (s *shard) parse(no int) error {
	c := &cursor{b: s.data}
	if uint64(len(s.data)) > maxOffset {
		return fmt.Errorf("%w: %d bytes long, at most %d can be addressed", ErrUnsupported, len(s.data), uint64(maxOffset))
	}
	nInfos, nKeys, err := s.parseHead(c)
	if err != nil {
		return err
	}
	if err := s.parseKeys(c, nKeys); err != nil {
		return err
	}
	align, err := s.alignment()
	if err != nil {
		return err
	}
	if err := s.parseInfos(c, no, nInfos); err != nil {
		return err
	}
	s.start = (c.at + align - 1) &^ (align - 1)
	return s.checkRanges(align)
}

// parseHead reads the fixed part. The counts are believed only as far as the
// rest of the file could hold that many of the smallest records.
func (s *shard) parseHead(c *cursor) (nInfos, nKeys uint64, err error) {
	if err := sniff(s.path, s.data); err != nil {
		return 0, 0, err
	}
	c.at = uint64(len(magic))
	v, err := c.u32()
	if err != nil {
		return 0, 0, fmt.Errorf("header: %w", err)
	}
	if err := checkVersion(v); err != nil {
		return 0, 0, err
	}
	s.version = int(v)
	if nInfos, err = c.u64(); err != nil {
		return 0, 0, fmt.Errorf("header: %w", err)
	}
	if nKeys, err = c.u64(); err != nil {
		return 0, 0, fmt.Errorf("header: %w", err)
	}
	if nKeys > c.left()/minKey || nKeys > math.MaxUint32 {
		return 0, 0, fmt.Errorf("%w: the header promises %d metadata keys, which do not fit into the %d bytes left", ErrTruncated, nKeys, c.left())
	}
	if nInfos > (c.left()-nKeys*minKey)/minInfo || nInfos > math.MaxUint32 {
		return 0, 0, fmt.Errorf("%w: the header promises %d tensors, which do not fit into the %d bytes left", ErrTruncated, nInfos, c.left())
	}
	return nInfos, nKeys, nil
}

func checkVersion(v uint32) error {
	switch {
	case v == 2 || v == 3:
		return nil
	case v&0xffff == 0 && v != 0:
		return fmt.Errorf("%w: it is big-endian (version field %#08x); take the little-endian file of this model, or convert this one with gguf_convert_endian from the gguf Python package", ErrUnsupported, v)
	case v == 1:
		return fmt.Errorf("%w: GGUF version 1 is obsolete, expected 2 or 3; take a newer file of this model or convert it again", ErrUnsupported)
	default:
		return fmt.Errorf("%w: GGUF version %d, expected 2 or 3", ErrUnsupported, v)
	}
}

// parseKeys walks over the metadata and indexes it.
func (s *shard) parseKeys(c *cursor, n uint64) error {
	s.keys.recs = make([]ref, n)
	for i := range s.keys.recs {
		s.keys.recs[i] = makeRef(0, c.at)
		name, err := c.name()
		if err != nil {
			return fmt.Errorf("metadata key %d of %d: %w", i, n, err)
		}
		t, err := c.valueType()
		if err == nil {
			err = c.skip(t, 0)
		}
		if err != nil {
			return fmt.Errorf("metadata key %.80q: %w", name, err)
		}
	}
	if err := s.keys.sort(s.keyName); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	return nil
}

func (s *shard) keyName(i uint32) []byte { return nameAt(s.data, s.keys.recs[i].at()) }

// name reads a key or tensor name: text that is safe to print.
func (c *cursor) name() ([]byte, error) {
	b, err := c.str()
	if err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	if len(b) == 0 || len(b) > maxName {
		return nil, fmt.Errorf("%w: name of %d bytes, expected 1 to %d", ErrMalformed, len(b), maxName)
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 || unicode.IsControl(r) {
			return nil, fmt.Errorf("%w: name %.64q has a byte that is not text", ErrMalformed, b)
		}
		i += n
	}
	return b, nil
}

// alignment returns general.alignment of this shard. Shards of one model may
// differ.
func (s *shard) alignment() (uint64, error) {
	n, ok, err := s.uint("general.alignment")
	if err != nil {
		return 0, err
	}
	if !ok {
		return defaultAlignment, nil
	}
	if n < 8 || n > maxAlignment || n&(n-1) != 0 {
		return 0, fmt.Errorf("%w: general.alignment is %d, expected a power of two from 8 to %d", ErrMalformed, n, maxAlignment)
	}
	return n, nil
}
