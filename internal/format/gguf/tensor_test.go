package gguf

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

func TestTensors(t *testing.T) {
	f, err := Open(save(t, t.TempDir(), "m.gguf", sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := []Tensor{
		{Name: "a", Type: quant.F32, Dims: []uint64{3, 2}, Size: 24},
		{Name: "b", Type: quant.Q8_0, Dims: []uint64{32}, Size: 34},
		{Name: "c", Type: 139, Dims: []uint64{256, 4}},
	}
	if diff := cmp.Diff(want, f.Tensors(), cmpopts.IgnoreUnexported(Tensor{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f.Size() != int64(len(sample(t))) || f.NumTensors() != 3 || f.Version != 3 {
		t.Errorf("size %d, tensors %d, version %d", f.Size(), f.NumTensors(), f.Version)
	}
	a, ok := f.Tensor("a")
	if !ok || a.Elems() != 6 {
		t.Fatalf("tensor a: %v, %v", a, ok)
	}
	if data, err := f.Data(a); err != nil || string(data) != "012345678901234567890123" {
		t.Errorf("data %q, %v", data, err)
	}
	if _, ok := f.Tensor("d"); ok {
		t.Error("a tensor that is not there was found")
	}
	if _, err := f.Data(&Tensor{Name: "z", Size: 1 << 40}); err == nil {
		t.Error("a made-up tensor has data")
	}
}

func TestReadAt(t *testing.T) {
	path := save(t, t.TempDir(), "m.gguf", sample(t))
	mapped, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	for _, f := range []*File{mapped, openSample(t)} {
		a, _ := f.Tensor("a")
		check := func(n int, off int64, want string, wantErr bool) {
			t.Helper()
			p := make([]byte, n)
			m, err := f.ReadAt(a, p, off)
			if string(p[:m]) != want || (err != nil) != wantErr || wantErr && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("ReadAt %d at %d: %q, %v", n, off, p[:m], err)
			}
		}
		check(24, 0, "012345678901234567890123", false)
		check(3, 21, "123", false)
		check(0, 24, "", false)
		check(4, 21, "", true)
		check(1, -1, "", true)
		check(0, 25, "", true)
	}
	// A file that shrinks later is an error, not a fault.
	a, _ := mapped.Tensor("a")
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := mapped.ReadAt(a, make([]byte, 24), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("after truncation: %v", err)
	}
}

func TestUnknownTypes(t *testing.T) {
	f := func(typ quant.Type, want string) {
		t.Helper()
		b := head(1, 0).info("w", typ, 0, 256).data(100).b
		x, err := OpenBytes("m.gguf", b)
		if err != nil {
			t.Errorf("type %d: an unused tensor failed: %v", typ, err)
			return
		}
		w, _ := x.Tensor("w")
		_, err = x.Data(w)
		if !errors.Is(err, ErrUnsupported) || err.Error() != want {
			t.Errorf("type %d:\n got %v\nwant %s", typ, err, want)
		}
		if _, err = x.ReadAt(w, nil, 0); !errors.Is(err, ErrUnsupported) {
			t.Errorf("type %d: ReadAt: %v", typ, err)
		}
	}
	f(4, `gguf: tensor "w": unsupported file: tensor type 4 was dropped from the format; take a newer file of this model or quantize it again`)
	f(31, `gguf: tensor "w": unsupported file: tensor type 31 was dropped from the format; take a newer file of this model or quantize it again`)
	f(41, `gguf: tensor "w": unsupported file: tensor type 41 is not known to this program`)
	f(133, `gguf: tensor "w": unsupported file: tensor type 133 is a quantization of ik_llama.cpp only; take a file in a common one, such as Q4_K_M or IQ4_XS`)
	f(1<<32-1, `gguf: tensor "w": unsupported file: tensor type 4294967295 is a quantization of ik_llama.cpp only; take a file in a common one, such as Q4_K_M or IQ4_XS`)
}

func TestScalarAndVersion2(t *testing.T) {
	b := (&raw{}).bytes(magic).u32(2).u64(1).u64(0).info("s", quant.F32, 0).data(4).b
	f, err := OpenBytes("m.gguf", b)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := f.Tensor("s")
	if f.Version != 2 || s.Size != 4 || !cmp.Equal(s.Dims, []uint64{1}) {
		t.Errorf("version %d, tensor %+v", f.Version, s)
	}
}
