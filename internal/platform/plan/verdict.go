package plan

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
)

// A Verdict says what a model is, whether it fits, and how fast it can be at best.
type Verdict struct {
	Name       string
	Arch       string
	Parameters int64
	Fit        *Fit
	// Reads is how many bytes of weights are read for each token that is generated.
	Reads int64
}

// Judge looks at a file, of which the header is enough.
func Judge(f *gguf.File, workers int, limits mem.Limits) (*Verdict, error) {
	fit, err := Of(f, workers, limits)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Arch: f.Arch(), Fit: fit, Reads: reads(f)}
	v.Name, _, _ = f.String("general.name") // a name of another type is none
	for _, t := range f.Tensors() {
		n := int64(1)
		for _, d := range t.Dims {
			n *= int64(d)
		}
		v.Parameters += n
	}
	return v, nil
}

// reads counts the weights that a token needs: of the embedding one row, unless
// the output is made with it as well, and of the experts those that are used.
func reads(f *gguf.File) int64 {
	_, hasOutput := f.Tensor("output.weight")
	count, _, _ := f.Uint(f.Arch() + ".expert_count")
	used, _, _ := f.Uint(f.Arch() + ".expert_used_count")
	var n int64
	for _, t := range f.Tensors() {
		switch {
		case t.Name == "token_embd.weight" && hasOutput:
		case strings.Contains(t.Name, "_exps.") && count > 0 && used <= count:
			n += int64(float64(t.Size) * float64(used) / float64(count))
		default:
			n += t.Size
		}
	}
	return n
}

// Fits reports that a useful context fits beside the weights, with some type of
// the cache.
func (v *Verdict) Fits() bool {
	for _, k := range v.Fit.KV {
		if k.Largest >= leastUseful {
			return true
		}
	}
	return v.Fit.Usable == 0 // the system does not tell
}

// Lines says it in words. bandwidth is how many bytes of memory are read in a
// second, 0 if that was not measured.
func (v *Verdict) Lines(bandwidth float64) []string {
	name := v.Name
	if name == "" {
		name = "a model without a name"
	}
	fit := v.Fit
	out := []string{fmt.Sprintf("%s: %s, %.1f B parameters, trained for %d tokens of context", name, v.Arch, float64(v.Parameters)/1e9, fit.Trained)}
	need := fmt.Sprintf("it takes %s (weights %s, scratch %s), %s are free", engine.Bytes(fit.Base()), engine.Bytes(fit.Weights), engine.Bytes(fit.Scratch), engine.Bytes(fit.Usable))
	var contexts []string
	for _, k := range fit.KV {
		if k.Largest >= leastUseful && (k.Type == "f16" || k.Type == "q8_0") {
			contexts = append(contexts, fmt.Sprintf("%d tokens in %s", k.Largest, k.Type))
		}
	}
	switch {
	case fit.Usable == 0:
		out = append(out, need)
	case len(contexts) > 0:
		out = append(out, "it fits: "+need+"; longest context: "+strings.Join(contexts, ", "))
	default:
		out = append(out, "it does not fit: "+need)
	}
	if bandwidth > 0 && v.Reads > 0 {
		out = append(out, fmt.Sprintf("it can answer with up to %.1f tokens/s here: a token reads %s of weights, and memory is read with %.0f GB/s",
			bandwidth/float64(v.Reads), engine.Bytes(v.Reads), bandwidth/1e9))
	}
	return out
}
