package app

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/platform/plan"
)

// Plan is what a model will be opened with, as far as memory depends on it.
type Plan struct {
	Threads int // 0 for one per core
	Context int // 0 for the default
	KVType  string
}

// Open loads a model: the name of the starter, or a path.
func (a *App) Open(ref string, p Plan, opts ...holdfast.Option) (*holdfast.Model, error) {
	opts = append(opts, holdfast.WithThreads(p.Threads), holdfast.WithContext(p.Context))
	if p.KVType != "" {
		opts = append(opts, holdfast.WithKVType(p.KVType))
	}
	m, err := a.open(ref, opts)
	if err != nil {
		return nil, a.explain(ref, p, err)
	}
	return m, nil
}

func (a *App) open(ref string, opts []holdfast.Option) (*holdfast.Model, error) {
	ref, err := a.resolve(ref)
	if err != nil {
		return nil, err
	}
	if ref != StarterName {
		if err := find(ref); err != nil {
			return nil, err
		}
		return holdfast.Open(ref, opts...)
	}
	if a.Starter == nil {
		return nil, noStarter()
	}
	return holdfast.OpenBytes(a.Starter.File, a.Starter.Data(), opts...)
}

// Check says whether there is such a model, without opening it.
func (a *App) Check(ref string) error {
	ref, err := a.resolve(ref)
	if err != nil {
		return err
	}
	if ref != StarterName {
		return find(ref)
	}
	if a.Starter == nil {
		return noStarter()
	}
	return nil
}

func noStarter() error {
	return &ModelError{
		Err:  errors.New("this program was built without the starter model (-tags nostarter)"),
		Hint: "give the path of a GGUF file: holdfast run ./model.gguf",
	}
}

// File opens a model's file without loading weights.
func (a *App) File(ref string) (*gguf.File, error) {
	ref, err := a.resolve(ref)
	if err != nil {
		return nil, err
	}
	if ref == StarterName {
		if a.Starter == nil {
			return nil, noStarter()
		}
		return gguf.OpenBytes(a.Starter.File, a.Starter.Data())
	}
	if err := find(ref); err != nil {
		return nil, err
	}
	f, err := gguf.Open(ref)
	if err != nil {
		return nil, a.explain(ref, Plan{}, err)
	}
	return f, nil
}

// Inspect describes a model without loading weights.
func (a *App) Inspect(ref string, p Plan) (holdfast.Info, error) {
	opts := []holdfast.Option{holdfast.WithThreads(p.Threads), holdfast.WithContext(p.Context)}
	if p.KVType != "" {
		opts = append(opts, holdfast.WithKVType(p.KVType))
	}
	ref, err := a.resolve(ref)
	if err != nil {
		return holdfast.Info{}, err
	}
	if ref == StarterName {
		if a.Starter == nil {
			return holdfast.Info{}, noStarter()
		}
		return holdfast.InspectBytes(a.Starter.File, a.Starter.Data(), opts...)
	}
	if err := find(ref); err != nil {
		return holdfast.Info{}, err
	}
	info, err := holdfast.Inspect(ref, opts...)
	if err != nil {
		return holdfast.Info{}, a.explain(ref, p, err)
	}
	return info, nil
}

// Fit says what a model needs against the memory there is now.
func (a *App) Fit(ref string, threads int) (*plan.Fit, error) {
	f, err := a.File(ref)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	fit, err := plan.Of(f, Workers(threads), mem.Budget())
	if err != nil {
		return nil, a.explain(ref, Plan{}, err)
	}
	return fit, nil
}

// explain turns an error of opening ref into one with advice and an exit code.
func (a *App) explain(ref string, p Plan, err error) error {
	var me *ModelError
	var un *model.UnsupportedError
	var engineMemory *engine.MemoryError
	switch {
	case errors.As(err, &me):
		return err
	case errors.Is(err, holdfast.ErrMemory), errors.As(err, &engineMemory), errors.Is(err, mem.ErrFull):
		return &FitError{Err: err, Hint: a.memoryAdvice(ref, p, err)}
	case errors.As(err, &un) && un.Arch != "":
		return &ModelError{Err: err, Hint: "its file is fine, but this version cannot run it; look for a newer holdfast, or a model of a supported architecture"}
	case isFileError(err), errors.As(err, &un):
		return &ModelError{Err: fmt.Errorf("%s: %w", ref, errors.New(trimRef(ref, err)))}
	}
	return &ModelError{Err: err}
}

func isFileError(err error) bool {
	for _, e := range []error{
		gguf.ErrNotGGUF, gguf.ErrTruncated, gguf.ErrMalformed, gguf.ErrUnsupported, gguf.ErrMissingShard, gguf.ErrWrongType, holdfast.ErrNotGGUF,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// memoryAdvice gives the numbers by part, and what would fit.
func (a *App) memoryAdvice(ref string, p Plan, err error) string {
	fit, ferr := a.Fit(ref, p.Threads)
	if ferr != nil {
		return ""
	}
	context := p.Context
	if me := (*holdfast.MemoryError)(nil); context == 0 && errors.As(err, &me) {
		context = me.Context
	}
	if context == 0 {
		context = fit.Trained
	}
	kv := p.KVType
	if kv == "" {
		kv = model.DefaultCache(fit.Arch).String()
	}
	return fit.Advice(context, kv)
}

// Explain turns an error of loading a model into one with advice and the right
// exit code.
func (a *App) Explain(name string, err error) error { return a.explain(name, Plan{}, err) }
