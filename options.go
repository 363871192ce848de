package holdfast

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// An Option changes how Open loads a model.
type Option func(*config) error

// config is what the options of Open come to.
type config struct {
	threads    int
	context    int
	parallel   int
	kv         attend.Elem
	kvSet      bool
	exact      bool
	same       bool // deterministic
	keepMapped bool
	template   string
	jinja      bool
	progress   func(done, total int64)
	diskDir    string
	diskBytes  int64
	warn       func(error)
}

// defaultContext is the context that Open prepares unless told otherwise, if
// the model was trained for as much and the memory allows it.
const defaultContext = 8192

// WithThreads sets how many threads compute. 0, the default, takes the
// physical cores that the process may use, in view of its control group.
func WithThreads(n int) Option {
	return func(c *config) error { return setInt(&c.threads, "threads", n, 0, 1024) }
}

// WithContext sets how many tokens a conversation may have, prompt and answer
// together. 0, the default, takes what the model was trained for, at most 8192
// and what fits into memory.
func WithContext(tokens int) Option {
	return func(c *config) error { return setInt(&c.context, "context", tokens, 0, 1<<30) }
}

// WithParallel sets for how many conversations of full length there is cache
// memory; 0 means 1. More conversations than that may run together while they
// are shorter; when memory for them runs out, the newest waits.
func WithParallel(n int) Option {
	return func(c *config) error { return setInt(&c.parallel, "parallel", n, 0, 4096) }
}

// WithKVType sets the element type of the cache: "f32", "f16", "bf16" or "q8_0".
// The default is bf16 for models with latent attention (DeepSeek-V2 and later),
// whose latents may be too large for f16, and f16 for others.
func WithKVType(name string) Option {
	return func(c *config) error {
		e, err := attend.ParseElem(name)
		if err != nil {
			return fmt.Errorf("holdfast: KV type %q is not known; there are f32, f16, bf16 and q8_0", name)
		}
		c.kv, c.kvSet = e, true
		return nil
	}
}

// WithExact computes with float32 activations on dequantized weights: several
// times slower, and as near to the reference as float32 gets.
func WithExact() Option {
	return func(c *config) error { c.exact = true; return nil }
}

// WithDeterministic makes the results independent of how a prompt was cut into
// pieces: of the prefix that a cache had, and of what else ran. Everything else is so
// anyway, whatever the batch and the number of threads; models with latent attention
// (DeepSeek-V2 and later) read long prompts more slowly with it.
func WithDeterministic() Option {
	return func(c *config) error { c.same = true; return nil }
}

// WithKeepMapped leaves the weights in the mapped file instead of copying them
// into memory laid out for speed: slower, but loading costs next to nothing,
// and the system may drop what it cannot keep.
func WithKeepMapped() Option {
	return func(c *config) error { c.keepMapped = true; return nil }
}

// WithProgress calls f now and then while the weights load, with the bytes done
// and the bytes in all. f may be called from any goroutine, one at a time.
func WithProgress(f func(done, total int64)) Option {
	return func(c *config) error { c.progress = f; return nil }
}

// WithTemplate uses a Jinja chat template instead of the model's own.
func WithTemplate(source string) Option {
	return func(c *config) error { c.template = source; return nil }
}

// WithJinja keeps to the model's Jinja template where there is a native
// renderer for its family.
func WithJinja() Option {
	return func(c *config) error { c.jinja = true; return nil }
}

func setInt(p *int, name string, v, lo, hi int) error {
	if v < lo || v > hi {
		return fmt.Errorf("holdfast: %s is %d, but must be from %d to %d", name, v, lo, hi)
	}
	*p = v
	return nil
}

func newConfig(opts []Option) (*config, error) {
	c := &config{}
	for _, o := range opts {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// chooseKV takes the default of an architecture where no type was asked for.
func (c *config) chooseKV(arch string) {
	if !c.kvSet {
		c.kv = model.DefaultCache(arch)
	}
}
