package pull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// A Result is a model that is there.
type Result struct {
	Name    string   // as it was asked for; it is now an alias of the file's own name
	Paths   []string // of its files
	Size    int64    // bytes
	Licence string
}

// A SpaceError says that the disk is too full.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

// Error gives the numbers.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("pull: %s more are needed in %s, but %s are free", engine.Bytes(e.Need), e.Dir, engine.Bytes(e.Free))
}

// A RefusedError says that a model was judged before it was downloaded.
type RefusedError struct{ Err error }

// Error tells why.
func (e *RefusedError) Error() string { return "pull: nothing was downloaded: " + e.Err.Error() }

// Unwrap returns the judge's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Pull downloads a model: it finds its files, judges it by its header, checks the
// disk, and downloads what is not there yet. Cancelled, it goes on another time.
func (c *Client) Pull(ctx context.Context, name string, tell func(Progress)) (*Result, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	tell(Progress{Status: "looking for " + name})
	p, err := c.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.Licence != "" {
		tell(Progress{Status: "licence: " + p.Licence})
	}
	if err := c.judge(ctx, p, tell); err != nil {
		return nil, err
	}
	if err := c.room(p); err != nil {
		return nil, err
	}
	for i := range p.Files {
		if err := c.Fetch(ctx, &p.Files[i], tell); err != nil {
			return nil, err
		}
	}
	r := library.Recipe{Name: p.Name, File: p.Files[0].Path, Source: p.Source, SHA256: p.Files[0].SHA256, Licence: p.Licence, Created: time.Now()}
	if err := r.Save(c.Dir); err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	out := &Result{Name: p.Name, Size: p.Size(), Licence: p.Licence}
	for _, f := range p.Files {
		out.Paths = append(out.Paths, filepath.Join(c.Dir, filepath.FromSlash(f.Path)))
	}
	return out, nil
}

// judge looks at the header before the rest comes. That the model is one at all
// is seen here, too.
func (c *Client) judge(ctx context.Context, p *Plan, tell func(Progress)) (err error) {
	tell(Progress{Status: "reading the header"})
	f, done, err := c.Preview(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if c.Judge == nil {
		return nil
	}
	verdict, err := c.Judge(f)
	for line := range strings.Lines(verdict) {
		tell(Progress{Status: strings.TrimSpace(line)})
	}
	if err != nil {
		return &RefusedError{err}
	}
	return nil
}

// spare is left free on the disk.
const spare = 256 << 20

// room refuses what the disk has no room for.
func (c *Client) room(p *Plan) error {
	var need int64
	for _, f := range p.Files {
		path := filepath.Join(c.Dir, filepath.FromSlash(f.Path))
		if fi, err := os.Stat(path); err == nil && fi.Size() == f.Size {
			continue
		}
		need += f.Size
		if fi, err := os.Stat(path + ".part"); err == nil {
			need -= min(fi.Size(), f.Size)
		}
	}
	free := c.Free
	if free == nil {
		free = freeBytes
	}
	n, err := free(c.Dir)
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if need > 0 && n >= 0 && need+spare > n {
		return &SpaceError{Dir: c.Dir, Need: need + spare, Free: n}
	}
	return nil
}

// ErrBusy says that another program downloads the same file.
var ErrBusy = errors.New("pull: another program is downloading this file; wait for it")
