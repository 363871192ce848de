package weights

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// file writes tensors whose elements count upwards, encoded as t.
func file(t *testing.T, typ quant.Type, shapes map[string][]uint64) *gguf.File {
	t.Helper()
	w := gguf.NewWriter()
	w.Set("general.architecture", "test")
	for name, dims := range shapes {
		n := 1
		for _, d := range dims {
			n *= int(d)
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i%251) - 125
		}
		kind := typ
		if len(dims) == 1 {
			kind = quant.F16
		}
		data := make([]byte, n/kind.BlockElems()*kind.BlockBytes())
		if err := quant.Quantize(kind, data, x); err != nil {
			t.Fatal(err)
		}
		w.Add(name, kind, dims, data)
	}
	raw, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.OpenBytes("weights", raw)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func team(t *testing.T) *par.Team {
	tm := par.New(3)
	t.Cleanup(tm.Close)
	return tm
}

// TestPiecesMakeTheWhole: a matrix that was packed piece by piece has the bytes
// of one that was packed at once, also with a partial group at the end.
func TestPiecesMakeTheWhole(t *testing.T) {
	for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q4_0, quant.Q8_0, quant.Q4_K, quant.Q6_K, quant.IQ4_NL} {
		const rows, cols = 333, 512
		f := file(t, typ, map[string][]uint64{"m": {cols, rows}})
		tensor, _ := f.Tensor("m")
		src, err := f.Data(tensor)
		if err != nil {
			t.Fatal(err)
		}
		size := matmul.PackedSize(typ, rows, cols)
		want, got := make([]byte, size), make([]byte, size)
		matmul.Pack(want, typ, rows, cols, src, 0, (rows+15)/16)
		rowBytes := len(src) / rows
		m := &matrix{t: tensor, rows: rows, cols: cols, rowBytes: rowBytes, packed: size}
		for lo := 0; lo*16 < rows; lo += 4 {
			p := piece{m: m, dst: got, lo: lo, hi: min(lo+4, (rows+15)/16)}
			packPiece(&p, src[lo*16*rowBytes:][:p.bytes()])
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%v: packed in pieces it differs", typ)
		}
	}
}

func load(t *testing.T, f *gguf.File, mapped bool, declare func(b *Binder)) *Store {
	t.Helper()
	b := NewBinder(f, mapped)
	declare(b)
	s, err := b.Load(team(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func row(m *matmul.Matrix, r int) []float32 {
	x := make([]float32, m.Cols)
	matmul.Row(x, m, r)
	return x
}

// TestLoad: matrices, stacks, vectors and shared tensors arrive, packed or mapped.
func TestLoad(t *testing.T) {
	f := file(t, quant.F32, map[string][]uint64{"m": {40, 21}, "s": {8, 3, 4}, "v": {10}})
	for _, mapped := range []bool{false, true} {
		var a, tied *matmul.Matrix
		var stack []*matmul.Matrix
		var v, none []float32
		s := load(t, f, mapped, func(b *Binder) {
			b.Matrix(&a, "m", 21, 40)
			b.Experts(&stack, "s", 4, 3, 8)
			b.Matrix(&tied, "m", 21, 40)
			b.Vector(&v, "v", 10)
			b.OptVector(&none, "absent", 10)
		})
		if a == nil || a != tied {
			t.Errorf("mapped=%v: a tensor that is declared twice is not shared", mapped)
		}
		if got := row(a, 20)[39]; got != float32((20*40+39)%251)-125 {
			t.Errorf("mapped=%v: last value is %v", mapped, got)
		}
		for e, m := range stack {
			if got := row(m, 2)[7]; got != float32(e*24+2*8+7)-125 {
				t.Errorf("mapped=%v: expert %d ends with %v", mapped, e, got)
			}
		}
		if diff := cmp.Diff([]float32{-125, -124, -123, -122, -121, -120, -119, -118, -117, -116}, v); diff != "" {
			t.Errorf("vector (-want +got):\n%s", diff)
		}
		if none != nil {
			t.Error("an absent optional vector was set")
		}
		if size := s.Sizes(); (size.Mapped > 0) != mapped || (size.Packed > 0) == mapped || size.Vectors == 0 {
			t.Errorf("mapped=%v: sizes %+v", mapped, size)
		}
	}
}

// TestHalfTable: a table in half precision stays so, any other is widened, and the
// sizes know which.
func TestHalfTable(t *testing.T) {
	for _, typ := range []quant.Type{quant.F16, quant.F32, quant.BF16} {
		f := file(t, typ, map[string][]uint64{"m": {32, 2}})
		var full []float32
		var half []uint16
		s := load(t, f, false, func(b *Binder) { b.HalfTable(&full, &half, "m", 2, 32) })
		want := int64(4 * 64)
		if typ == quant.F16 {
			want = 2 * 64
			full = make([]float32, len(half))
			vec.F16ToF32(full, half)
		} else if half != nil {
			t.Errorf("%v was kept in half precision", typ)
		}
		if len(full) != 64 || full[63] != 63-125 {
			t.Errorf("%v: table is %v", typ, full)
		}
		if got := s.Sizes().Vectors; got != want {
			t.Errorf("%v: %d bytes, expected %d", typ, got, want)
		}
	}
}

func TestWrong(t *testing.T) {
	f := file(t, quant.F32, map[string][]uint64{"m": {40, 21}})
	tests := map[string]func(b *Binder){
		`"n" is missing`:                             func(b *Binder) { var m *matmul.Matrix; b.Matrix(&m, "n", 21, 40) },
		`shape {40 21}, expected {40 22}`:            func(b *Binder) { var m *matmul.Matrix; b.Matrix(&m, "m", 22, 40) },
		`shape {40 21}, expected {21 40}`:            func(b *Binder) { var m *matmul.Matrix; b.Matrix(&m, "m", 40, 21) },
		`shape {40 21}, expected {840}`:              func(b *Binder) { var v []float32; b.Vector(&v, "m", 840) },
		`shape {40 21}, expected {40 21 2}`:          func(b *Binder) { var s []*matmul.Matrix; b.Experts(&s, "m", 2, 21, 40) },
		`a complete test file has it with shape {3}`: func(b *Binder) { var v []float32; b.Vector(&v, "v", 3) },
	}
	for want, declare := range tests {
		b := NewBinder(f, false)
		declare(b)
		if _, err := b.Load(team(t), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected it to say %q", err, want)
		}
		if b.Outline() == nil {
			t.Errorf("%s: outlined", want)
		}
	}
}
