package quant

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

const rowElems = 4096 // of the row that ggml encoded, see testdata/gen.py

// A vector is what testdata/NAME.bin holds.
type vector struct {
	blocks []byte
	values []uint32 // float32 bits
	row    []byte   // rowElems elements of synthetic(0), encoded by ggml
}

func readVector(t testing.TB, ty Type) vector {
	t.Helper()
	data, err := os.ReadFile("testdata/" + ty.String() + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	n := int(binary.LittleEndian.Uint32(data))
	elems, size := n*ty.BlockElems(), n*ty.BlockBytes()
	rowBytes, err := ty.RowBytes(rowElems)
	if err != nil || len(data) != 4+size+4*elems+rowBytes {
		t.Fatalf("%s: a file of %d bytes does not hold %d blocks (%v)", ty, len(data), n, err)
	}
	v := vector{blocks: data[4 : 4+size], row: data[4+size+4*elems:]}
	for i := range elems {
		v.values = append(v.values, binary.LittleEndian.Uint32(data[4+size+4*i:]))
	}
	return v
}

func blockTypes() []Type {
	var ts []Type
	for _, t := range Types() {
		if t.Blocked() {
			ts = append(ts, t)
		}
	}
	return ts
}

// canonical returns the bits of x with one NaN for all.
func canonical(x float32) uint32 {
	if x != x {
		return 0x7FC00000
	}
	return math.Float32bits(x)
}

func mustDequantize(t testing.TB, ty Type, src []byte) []float32 {
	t.Helper()
	dst := make([]float32, len(src)/ty.BlockBytes()*ty.BlockElems())
	if err := Dequantize(ty, dst, src); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestDequantizeIsBitExact(t *testing.T) {
	for _, ty := range blockTypes() {
		v := readVector(t, ty)
		for i, x := range mustDequantize(t, ty, v.blocks) {
			if canonical(x) != v.values[i] {
				t.Errorf("%s: element %d is %g, want %g", ty, i, x, math.Float32frombits(v.values[i]))
				break
			}
		}
	}
}

// readList reads lines of fields separated by spaces.
func readList(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	for line := range strings.Lines(string(data)) {
		list = append(list, strings.Fields(line))
	}
	return list
}

// splitmix gives the bytes of the splitmix64 generator, as gen.py does.
func splitmix(seed uint64, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		seed += 0x9E3779B97F4A7C15
		z := seed
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		b = binary.LittleEndian.AppendUint64(b, z^z>>31)
	}
	return b[:n]
}

func TestDequantizeOfManyRandomBlocks(t *testing.T) {
	seen := 0
	for _, f := range readList(t, "hashes.txt") {
		ty, err := Parse(f[0])
		if err != nil {
			t.Fatal(err)
		}
		seen++
		var n int
		if _, err := fmt.Sscan(f[1], &n); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		var bits []byte
		for _, x := range mustDequantize(t, ty, splitmix(uint64(ty), n*ty.BlockBytes())) {
			bits = binary.LittleEndian.AppendUint32(bits, canonical(x))
		}
		h.Write(bits)
		if got := hex.EncodeToString(h.Sum(nil)); got != f[2] {
			t.Errorf("%s: the values of %d random blocks differ from the outside ones", ty, n)
		}
	}
	if want := len(blockTypes()); seen != want {
		t.Errorf("%d types in hashes.txt, want %d", seen, want)
	}
}

// encoderRows are the rows of encoder_rows in gen.py.
func encoderRows() []float32 {
	b := splitmix(7, 64*superBlock)
	x := make([]float32, len(b))
	for i := range x {
		x[i] = float32(int8(b[i])) * float32(math.Ldexp(1, i/superBlock%16-8))
	}
	clear(x[63*superBlock:])
	return x
}

func TestQuantizeMakesTheBlocksOfTheReference(t *testing.T) {
	x := encoderRows()
	for _, f := range readList(t, "encoded.txt") {
		ty, err := Parse(f[0])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(mustQuantize(t, ty, x))
		if got := hex.EncodeToString(sum[:]); got != f[1] {
			t.Errorf("%s: blocks differ from the reference encoder's", ty)
		}
	}
}

func mustQuantize(t testing.TB, ty Type, x []float32) []byte {
	t.Helper()
	n, err := ty.RowBytes(len(x))
	if err != nil {
		t.Fatal(err)
	}
	dst := bytes.Repeat([]byte{0xAA}, n) // encoders must write every byte
	if err := Quantize(ty, dst, x); err != nil {
		t.Fatal(err)
	}
	return dst
}
