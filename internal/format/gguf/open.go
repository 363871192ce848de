package gguf

import (
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A File is an open model file, of one shard or several.
type File struct {
	// Version is the version of the format, 2 or 3.
	Version int

	shards  []*shard
	tensors index // over all shards
	size    int64
}

// Open opens a GGUF file. Of a split file any shard may be named; the others are
// found beside it.
func Open(path string) (*File, error) {
	first, err := openShard(path, 0)
	if err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", path, err)
	}
	shards, err := openSiblings(first)
	if err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", path, err)
	}
	f, err := newFile(shards)
	if err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", path, err)
	}
	return f, nil
}

// OpenBytes reads a file that is in memory already, such as an embedded one. name
// is for messages. data must stay unchanged until Close.
func OpenBytes(name string, data []byte) (*File, error) {
	s := &shard{path: name, data: data}
	err := s.parse(0)
	if err == nil {
		var count uint64
		if count, _, err = s.uint("split.count"); err == nil && count > 1 {
			err = fmt.Errorf("%w: one of %d shards, which cannot be read alone", ErrMissingShard, count)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", name, err)
	}
	f, err := newFile([]*shard{s})
	if err != nil {
		return nil, fmt.Errorf("gguf: %s: %w", name, err)
	}
	return f, nil
}

// newFile joins checked shards, whose order is their number. It closes them if
// it fails.
func newFile(shards []*shard) (*File, error) {
	f := &File{Version: shards[0].version, shards: shards}
	n := 0
	for _, s := range shards {
		n += len(s.infos)
		f.size += int64(len(s.data))
	}
	if len(shards) == 1 {
		f.tensors.recs = shards[0].infos
	} else {
		f.tensors.recs = make([]ref, 0, n)
		for _, s := range shards {
			f.tensors.recs = append(f.tensors.recs, s.infos...)
			s.infos = nil
		}
	}
	if err := f.tensors.sort(f.tensorName); err != nil {
		return nil, errors.Join(fmt.Errorf("tensors: %w", err), f.Close())
	}
	return f, nil
}

func (f *File) tensorName(i uint32) []byte {
	r := f.tensors.recs[i]
	return nameAt(f.shards[r.shard()].data, r.at())
}

// Close unmaps the file. Data returned earlier is invalid from here on; what was
// decoded stays valid. Later calls do nothing.
func (f *File) Close() error {
	var errs []error
	for _, s := range f.shards {
		errs = append(errs, s.close())
	}
	f.shards, f.tensors = nil, index{}
	return errors.Join(errs...)
}

// Size returns the length of the file in bytes, of all shards together.
func (f *File) Size() int64 { return f.size }

// Paths returns the files that make up the model, in the order of the shards.
func (f *File) Paths() []string {
	paths := make([]string, len(f.shards))
	for i, s := range f.shards {
		paths[i] = s.path
	}
	return paths
}

// Tensors decodes every tensor info, in the order of the shards and their headers.
func (f *File) Tensors() []Tensor {
	ts := make([]Tensor, len(f.tensors.recs))
	for i, r := range f.tensors.recs {
		ts[i] = f.shards[r.shard()].tensor(r)
	}
	return ts
}

// NumTensors returns the number of tensors without decoding them.
func (f *File) NumTensors() int { return len(f.tensors.recs) }

// Tensor returns the tensor of that name, if there is one.
func (f *File) Tensor(name string) (*Tensor, bool) {
	r, ok := f.tensors.find(name, f.tensorName)
	if !ok {
		return nil, false
	}
	t := f.shards[r.shard()].tensor(r)
	return &t, true
}

// Data returns the tensor's bytes as a view of the file, t.Size long, valid until
// Close. The view must not be written to. It fails if the type is unknown.
func (f *File) Data(t *Tensor) ([]byte, error) {
	s, err := f.home(t)
	if err != nil {
		return nil, err
	}
	end := t.at + uint64(t.Size)
	return s.data[t.at:end:end], nil
}

// ReadAt reads len(p) bytes of the tensor from its byte off on, with a read call
// instead of the mapping: to fill an arena without mapping the pages as well.
// It returns io.ErrUnexpectedEOF if the range is not inside the tensor, or the
// file has become shorter since Open.
func (f *File) ReadAt(t *Tensor, p []byte, off int64) (int, error) {
	s, err := f.home(t)
	if err != nil {
		return 0, err
	}
	if off < 0 || off > t.Size || int64(len(p)) > t.Size-off {
		return 0, fmt.Errorf("gguf: tensor %q: read of %d bytes at %d of %d: %w", t.Name, len(p), off, t.Size, io.ErrUnexpectedEOF)
	}
	at := int64(t.at) + off
	if s.file == nil {
		return copy(p, s.data[at:]), nil
	}
	n, err := s.file.ReadAt(p, at)
	if n == len(p) {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("gguf: tensor %q: read %s: %w", t.Name, s.path, err)
}

// home returns the shard that holds t, whose range is checked again because t is
// a value that the caller could have changed.
func (f *File) home(t *Tensor) (*shard, error) {
	if f.shards == nil {
		return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, ErrClosed)
	}
	if !t.Type.Known() {
		return nil, fmt.Errorf("gguf: tensor %q: %w", t.Name, unknownType(t.Type))
	}
	if t.shard >= len(f.shards) {
		return nil, fmt.Errorf("gguf: tensor %q is not of this file", t.Name)
	}
	s := f.shards[t.shard]
	if n := uint64(len(s.data)); t.Size < 0 || t.at > n || uint64(t.Size) > n-t.at {
		return nil, fmt.Errorf("gguf: tensor %q is not of this file", t.Name)
	}
	return s, nil
}

// firstForeign is the first type id of ik_llama.cpp's own quantizations.
const firstForeign = 133

func unknownType(t quant.Type) error {
	switch {
	case t >= firstForeign:
		return fmt.Errorf("%w: tensor type %d is a quantization of ik_llama.cpp only; take a file in a common one, such as Q4_K_M or IQ4_XS", ErrUnsupported, uint32(t))
	case t <= quant.NVFP4:
		return fmt.Errorf("%w: tensor type %d was dropped from the format; take a newer file of this model or quantize it again", ErrUnsupported, uint32(t))
	default:
		return fmt.Errorf("%w: tensor type %d is not known to this program", ErrUnsupported, uint32(t))
	}
}
