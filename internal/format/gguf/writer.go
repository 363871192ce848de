package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A Writer collects keys and tensors and writes them as a valid file. The first
// mistake in what it was given is kept and returned when it writes, so a caller
// checks once. It holds the tensors' bytes until then and does not copy them.
type Writer struct {
	version uint32
	align   uint64
	keys    []outKey
	tensors []outTensor
	names   map[string]bool // keys as "k"+key, tensors as "t"+name
	err     error
}

type outKey struct {
	name  string
	value []byte // type id and value, encoded
}

type outTensor struct {
	name string
	t    quant.Type
	dims []uint64
	data []byte
}

// NewWriter returns a writer of an empty file of version 3, aligned to 32 bytes.
func NewWriter() *Writer {
	return &Writer{version: 3, align: defaultAlignment, names: map[string]bool{}}
}

// Version sets the format's version, 2 or 3.
func (w *Writer) Version(v int) {
	if v != 2 && v != 3 {
		w.fail(fmt.Errorf("gguf: version %d, expected 2 or 3", v))
	}
	w.version = uint32(v)
}

// Align sets the alignment of the tensors, a power of two from 8 to 2^24, and
// adds the key general.alignment.
func (w *Writer) Align(n uint32) {
	if n < 8 || n > maxAlignment || n&(n-1) != 0 {
		w.fail(fmt.Errorf("gguf: alignment %d, expected a power of two from 8 to %d", n, maxAlignment))
		return
	}
	w.align = uint64(n)
	w.Set("general.alignment", n)
}

// Set adds a metadata key. The type of v chooses the type in the file: uint8 to
// float64, bool, string, a slice of those, or []any for an array of arrays whose
// elements are all of one type.
func (w *Writer) Set(key string, v any) {
	b, err := encode(v)
	if err != nil {
		w.fail(fmt.Errorf("gguf: metadata key %q: %w", key, err))
		return
	}
	w.claim("k", key)
	w.keys = append(w.keys, outKey{key, b})
}

// Add adds a tensor with its bytes in the format of type t. dims begins with the
// row length. For a type that this program does not know any bytes will do.
func (w *Writer) Add(name string, t quant.Type, dims []uint64, data []byte) {
	if len(dims) > maxDims {
		w.fail(fmt.Errorf("gguf: tensor %q: %d dimensions, expected at most %d", name, len(dims), maxDims))
		return
	}
	shape := dims
	if len(shape) == 0 {
		shape = []uint64{1}
	}
	size, err := sizeOf(t, shape)
	if err == nil && t.Known() && size != uint64(len(data)) {
		err = fmt.Errorf("%d bytes, %s of dimensions %v has %d", len(data), t, dims, size)
	}
	if err != nil {
		w.fail(fmt.Errorf("gguf: tensor %q: %w", name, err))
		return
	}
	w.claim("t", name)
	w.tensors = append(w.tensors, outTensor{name, t, slices.Clone(dims), data})
}

// claim checks a name by the reader's rules and that it is new.
func (w *Writer) claim(kind, name string) {
	c := &cursor{b: appendString(nil, name)}
	if _, err := c.name(); err != nil {
		w.fail(fmt.Errorf("gguf: name %.64q: %w", name, err))
	}
	if w.names[kind+name] {
		w.fail(fmt.Errorf("gguf: %q is added twice", name))
	}
	w.names[kind+name] = true
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// WriteTo writes the file to out.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	return w.write(out, w.keys, w.tensors)
}

// Bytes returns the file as one slice.
func (w *Writer) Bytes() ([]byte, error) {
	var b bytes.Buffer
	_, err := w.WriteTo(&b)
	return b.Bytes(), err
}

// WriteFile writes the file to path, over what was there.
func (w *Writer) WriteFile(path string) error {
	if w.err != nil {
		return w.err
	}
	return w.create(path, w.keys, w.tensors)
}

// WriteSplit writes the tensors as a split file, counts[i] of them in shard i,
// under the names dir/prefix-00001-of-0000N.gguf and so on, and returns the
// paths. A first count of 0 makes a first shard with metadata alone. The keys
// split.no, split.count and split.tensors.count are added.
func (w *Writer) WriteSplit(dir, prefix string, counts ...int) ([]string, error) {
	if w.err != nil {
		return nil, w.err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	if len(counts) == 0 || len(counts) > 99999 || slices.Min(counts) < 0 || total != len(w.tensors) {
		return nil, fmt.Errorf("gguf: split %v of %d tensors: expected counts that add up to it", counts, len(w.tensors))
	}
	paths := make([]string, len(counts))
	tensors := w.tensors
	for i, n := range counts {
		keys := w.splitKeys(i, len(counts))
		paths[i] = filepath.Join(dir, fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, i+1, len(counts)))
		if err := w.create(paths[i], keys, tensors[:n]); err != nil {
			return nil, err
		}
		tensors = tensors[n:]
	}
	return paths, nil
}

// splitKeys returns the keys of shard i: the first has the model's, the others
// only their own alignment.
func (w *Writer) splitKeys(i, count int) []outKey {
	var keys []outKey
	for _, k := range w.keys {
		if strings.HasPrefix(k.name, "split.") {
			continue
		}
		if i == 0 || k.name == "general.alignment" {
			keys = append(keys, k)
		}
	}
	add := func(name string, v any) {
		b, _ := encode(v) // the types below can all be encoded
		keys = append(keys, outKey{name, b})
	}
	add("split.no", uint16(i))
	add("split.count", uint16(count))
	add("split.tensors.count", int32(len(w.tensors)))
	return keys
}

func (w *Writer) create(path string, keys []outKey, tensors []outTensor) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	_, err = w.write(f, keys, tensors)
	return errors.Join(err, f.Close())
}

// write lays out one file: header, padding, and each tensor padded to the
// alignment, the last one too.
func (w *Writer) write(out io.Writer, keys []outKey, tensors []outTensor) (int64, error) {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), w.version)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(keys)))
	for _, k := range keys {
		b = append(appendString(b, k.name), k.value...)
	}
	offset := uint64(0)
	for _, t := range tensors {
		b = le.AppendUint32(appendString(b, t.name), uint32(len(t.dims)))
		for _, d := range t.dims {
			b = le.AppendUint64(b, d)
		}
		b = le.AppendUint32(b, uint32(t.t))
		b = le.AppendUint64(b, offset)
		offset += uint64(len(t.data)) + w.padding(uint64(len(t.data)))
	}
	total := int64(0)
	put := func(b []byte) error {
		n, err := out.Write(b)
		total += int64(n)
		return err
	}
	err := put(append(b, make([]byte, w.padding(uint64(len(b))))...))
	for _, t := range tensors {
		if err == nil {
			err = put(t.data)
		}
		if err == nil {
			err = put(make([]byte, w.padding(uint64(len(t.data)))))
		}
	}
	if err != nil {
		return total, fmt.Errorf("gguf: write: %w", err)
	}
	return total, nil
}

// padding returns how many bytes follow n bytes up to the alignment.
func (w *Writer) padding(n uint64) uint64 { return -n & (w.align - 1) }
