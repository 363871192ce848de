package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// Config says what an engine runs and how much room it has. Only Model is required.
type Config struct {
	Model model.Model
	// Context is how many positions a sequence may have; 0 is what the model
	// was trained for.
	Context int
	// Parallel is for how many sequences of that length there is cache memory;
	// 0 means 1. More, shorter sequences may run at once.
	Parallel int
	// MaxSeqs is how many sequences run in one batch; 0 means 16, and at least
	// Parallel.
	MaxSeqs int
	// MaxRows is the MaxRows that the model was loaded with; 0 means 512.
	MaxRows int
	// MaxOutputs is how many rows of one step may need logits; 0 means as many as
	// 64 MiB hold, and at least MaxSeqs.
	MaxOutputs int
	// Queue is how many requests may wait; 0 means 256.
	Queue int
	// Snapshots is how many states are kept besides those of running sequences,
	// for models that have state; 0 means 2 per sequence.
	Snapshots int
	// Usable is the memory that the cache may take, in bytes; 0 asks the machine.
	Usable int64
	// StepTime is how long a step that only reads prompts should take; 0 means
	// one second. It bounds how long cancelling takes.
	StepTime time.Duration
	// SharedStepTime is the same while others wait or run; 0 means a quarter of a second.
	SharedStepTime time.Duration
	// Disk, if not nil, keeps what was computed. The engine writes to it and reads
	// from it; whoever opened it closes it, after the engine.
	Disk *diskcache.Store
	// KeepEvery is after how many positions of a prompt what is computed so far is
	// kept, on disk and as a saved state; 0 means 2048.
	KeepEvery int
	// Observer, if not nil, is told what happens.
	Observer Observer
}

func (c *Config) withDefaults() error {
	if c.Model == nil {
		return errors.New("engine: no model")
	}
	for _, v := range []struct {
		name string
		n    int
	}{
		{"context", c.Context},
		{"parallel", c.Parallel},
		{"sequences", c.MaxSeqs},
		{"rows", c.MaxRows},
		{"outputs", c.MaxOutputs},
		{"queue", c.Queue},
		{"snapshots", c.Snapshots},
		{"keep interval", c.KeepEvery},
	} {
		if v.n < 0 {
			return fmt.Errorf("engine: %s is %d, expected 0 or more", v.name, v.n)
		}
	}
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Context, c.Model.Config().Context)
	def(&c.Parallel, 1)
	def(&c.MaxRows, 512)
	def(&c.MaxSeqs, min(16, c.MaxRows))
	c.MaxSeqs = max(c.MaxSeqs, min(c.Parallel, c.MaxRows))
	const logitBytes = 64 << 20
	def(&c.MaxOutputs, max(c.MaxSeqs, min(logitBytes/4/max(1, c.Model.Config().Vocab), c.MaxRows)))
	def(&c.Queue, 256)
	def(&c.Snapshots, 2*c.MaxSeqs)
	if c.StepTime == 0 {
		c.StepTime = time.Second
	}
	if c.SharedStepTime == 0 {
		c.SharedStepTime = min(c.StepTime, 250*time.Millisecond)
	}
	def(&c.KeepEvery, 2048)
	bt := max(1, c.Model.CacheSpec().BlockTokens)
	c.KeepEvery = (c.KeepEvery + bt - 1) / bt * bt
	if c.Context < 2 {
		return fmt.Errorf("engine: a context of %d positions holds no prompt and answer", c.Context)
	}
	return nil
}

// A cacheSize is what the cache of a configuration takes.
type cacheSize struct {
	blocks, slots     int
	blockMem, slotMem int64
}

// size computes the cache: the blocks of Parallel full sequences, and one more
// per running sequence, for the unfinished block that each of them has and for
// copies on write.
func (c *Config) size() cacheSize {
	spec := c.Model.CacheSpec()
	perSeq := (c.Context + spec.BlockTokens - 1) / spec.BlockTokens
	z := cacheSize{blocks: c.Parallel*perSeq + c.MaxSeqs}
	if spec.StateBytes > 0 {
		z.slots = c.MaxSeqs + c.Snapshots
	}
	z.blockMem = int64(z.blocks) * int64(spec.BlockBytes)
	z.slotMem = int64(z.slots) * int64(spec.StateBytes)
	return z
}

// cache is the memory of blocks and states, outside the Go heap.
type cache struct {
	arena         *mem.Arena
	blocks, state []byte
	spec          model.CacheSpec
}

// allocate reserves the cache, or says with numbers why it cannot.
func (c *Config) allocate() (*cache, cacheSize, error) {
	z, spec := c.size(), c.Model.CacheSpec()
	need := z.blockMem + z.slotMem
	usable := c.Usable
	if usable == 0 {
		usable = mem.Budget().Usable()
	}
	fail := &MemoryError{
		Need: need, Usable: usable, Context: c.Context, Parallel: c.Parallel,
		PerToken: int64(spec.BlockBytes) / int64(spec.BlockTokens),
	}
	if usable > 0 && need > usable {
		return nil, z, fail
	}
	const slack = 4096
	arena, err := mem.NewArena(int(need) + slack)
	if err != nil {
		fail.allocFail = err
		return nil, z, fail
	}
	k := &cache{arena: arena, spec: spec}
	if k.blocks, err = arena.Alloc(int(z.blockMem), 0); err == nil {
		k.state, err = arena.Alloc(int(z.slotMem), 0)
	}
	if err != nil {
		_ = arena.Free() // the first error is the one to tell
		fail.allocFail = err
		return nil, z, fail
	}
	return k, z, nil
}

func (k *cache) block(i int32) []byte {
	return k.blocks[int(i)*k.spec.BlockBytes : (int(i)+1)*k.spec.BlockBytes]
}

func (k *cache) slot(i int) []byte {
	return k.state[i*k.spec.StateBytes : (i+1)*k.spec.StateBytes]
}
