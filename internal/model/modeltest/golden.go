package modeltest

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A Case is one folder of golden models.
type Case struct {
	Dir   string
	Name  string `json:"case"`
	Files []struct {
		Name string
	}
	Vocab     int `json:"n_vocab"`
	Embd      int `json:"n_embd"`
	Layers    int `json:"n_layer"`
	Sequences []Sequence
	Greedy    struct {
		Prompt  []int32
		Tokens  []int32
		Margins []float64 `json:"top2_margins"`
	}
	Checks struct {
		// Native is llama.cpp on the quantised file itself.
		Native *Yardstick `json:"llamacpp_on_this_file"`
	}
}

// A Yardstick is how far another engine is from the reference.
type Yardstick struct {
	MaxAbs float64 `json:"max_abs"`
	RMS    float64
	KL     float64 `json:"mean_kl"`
	Top1   float64 `json:"top1_equal"`
}

// A Sequence is one sequence with what a correct engine computes for it.
type Sequence struct {
	Name      string
	Tokens    []int32
	Positions []int // rows of which logits are kept
	Tolerance float64
	LogitsF64 array `json:"logits_f64"` // [positions][vocab]
	HiddenF32 array `json:"hidden_f32"` // [layers+1][tokens][embd]
	Routing   []Routing
	// Selected is what indexers keep: positions (deepseek32) or compressed rows.
	Selected []Selected
	// Lookups is the table rows that tokens fetch.
	Lookups []Lookups `json:"engram_rows"`
}

// Selected is the choices of the indexer that one layer follows.
type Selected struct {
	Layer int
	Kept  [][]int32
}

// Lookups is the rows of the n-gram table of one layer.
type Lookups struct {
	Layer int
	Rows  [][]int64
}

// Routing is the choices of one MoE layer.
type Routing struct {
	Layer   int
	Experts [][]int32
	Weights [][]float64
}

type array struct {
	File  string
	Shape []int
}

// LoadCase reads the index of a case.
func LoadCase(t testing.TB, dir string) *Case {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatalf("golden case: %v", err)
	}
	c := &Case{Dir: dir}
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatalf("golden case %s: %v", dir, err)
	}
	return c
}

// Logits returns the reference logits of a sequence.
func (c *Case) Logits(t testing.TB, s *Sequence) []float64 {
	t.Helper()
	raw := c.read(t, s.LogitsF64, 8)
	x := make([]float64, len(raw)/8)
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return x
}

// Hidden returns the reference hidden states, nil if the case has none.
func (c *Case) Hidden(t testing.TB, s *Sequence) []float32 {
	t.Helper()
	if s.HiddenF32.File == "" {
		return nil
	}
	raw := c.read(t, s.HiddenF32, 4)
	x := make([]float32, len(raw)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return x
}

func (c *Case) read(t testing.TB, a array, size int) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.Dir, a.File))
	if err != nil {
		t.Fatalf("golden case %s: %v", c.Name, err)
	}
	want := size
	for _, d := range a.Shape {
		want *= d
	}
	if len(raw) != want {
		t.Fatalf("golden case %s: %s has %d bytes, its shape %v means %d", c.Name, a.File, len(raw), a.Shape, want)
	}
	return raw
}
