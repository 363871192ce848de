package engram

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A table is a view of the rows in the file.
type table struct {
	data     []byte
	t        quant.Type
	rows     uint64
	rowBytes int
	fp8      bool // rows of fp8Bytes, see readFP8
}

// fp8 rows hold 32 values per scale: all values as E4M3, then the scales as E8M0.
const fp8Block = 32

func openTable(f *gguf.File, name string, dim int) (*table, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("model: tensor %q is missing: a complete %s file has it with shape {%d rows}", name, f.Arch(), dim)
	}
	data, err := f.Data(t)
	if err != nil {
		return nil, fmt.Errorf("model: tensor %q: %w", name, err)
	}
	tb := &table{data: data, t: t.Type}
	fp8 := dim + dim/fp8Block
	cols := dim
	if t.Type == quant.I8 && dim%fp8Block == 0 {
		tb.fp8, cols = true, fp8
	}
	if len(t.Dims) != 2 || t.Dims[0] != uint64(cols) {
		return nil, fmt.Errorf("model: tensor %q has shape {%s}, expected rows of %d values",
			name, strings.Trim(fmt.Sprint(t.Dims), "[]"), cols)
	}
	if tb.rowBytes, err = t.Type.RowBytes(cols); err != nil {
		return nil, fmt.Errorf("model: tensor %q: %w", name, err)
	}
	tb.rows = t.Dims[1]
	if tb.rows > 0 && !tb.fp8 {
		probe := make([]float32, dim)
		if err := quant.Dequantize(t.Type, probe, data[:tb.rowBytes]); err != nil {
			return nil, fmt.Errorf("model: tensor %q: %w", name, err)
		}
	}
	return tb, nil
}

// read converts a row to float32. Touching it brings its page in from the disk.
func (t *table) read(dst []float32, row int64) {
	raw := t.data[int(row)*t.rowBytes:][:t.rowBytes]
	if t.fp8 {
		readFP8(dst, raw)
		return
	}
	// The type was tried when the table was opened.
	_ = quant.Dequantize(t.t, dst, raw)
}

func readFP8(dst []float32, raw []byte) {
	scales := raw[len(dst):]
	for i := range dst {
		dst[i] = num.E4M3ToF32(raw[i]) * num.E8M0ToF32(scales[i/fp8Block])
	}
}
