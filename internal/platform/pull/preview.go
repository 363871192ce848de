package pull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// Bounds of the headers that are read before a download.
const (
	firstHeader   = 2 << 20
	longestHeader = 256 << 20
)

// Preview reads the headers of a model's files over the network and opens them
// as if the model were there: its metadata and its list of tensors can be read,
// its weights cannot. It fills in the sizes that the source left out. The caller
// calls the function that is returned when done with the file.
func (c *Client) Preview(ctx context.Context, p *Plan) (*gguf.File, func() error, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("pull: %w", err)
	}
	dir, err := os.MkdirTemp(c.Dir, ".preview-*")
	if err != nil {
		return nil, nil, fmt.Errorf("pull: %w", err)
	}
	f, err := c.preview(ctx, p, dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return f, func() error { return errors.Join(f.Close(), os.RemoveAll(dir)) }, nil
}

func (c *Client) preview(ctx context.Context, p *Plan, dir string) (*gguf.File, error) {
	for i := range p.Files {
		f := &p.Files[i]
		head, err := c.header(ctx, f)
		if err != nil {
			return nil, err
		}
		// A file of the right length with nothing behind the header: it takes no
		// more room on the disk than the header.
		name := filepath.Join(dir, path.Base(f.Path))
		if err := os.WriteFile(name, head, 0o600); err != nil {
			return nil, fmt.Errorf("pull: %w", err)
		}
		if err := os.Truncate(name, f.Size); err != nil {
			return nil, fmt.Errorf("pull: %w", err)
		}
	}
	if err := c.check(p); err != nil {
		return nil, err
	}
	g, err := gguf.Open(filepath.Join(dir, path.Base(p.Files[0].Path)))
	if err != nil {
		return nil, fmt.Errorf("pull: %s: %w", p.Name, err)
	}
	return g, nil
}

// header reads the beginning of a file until its header is complete.
func (c *Client) header(ctx context.Context, f *File) ([]byte, error) {
	var head []byte
	step := c.headerStep
	if step == 0 {
		step = firstHeader
	}
	for want := step; ; want *= 4 {
		if f.Size > 0 {
			want = min(want, f.Size)
		}
		more, size, err := c.firstBytes(ctx, f, int64(len(head)), want)
		if err != nil {
			return nil, err
		}
		head = append(head, more...)
		switch {
		case f.Size == 0:
			f.Size = size
		case f.Size != size:
			return nil, fmt.Errorf("pull: %s has %d bytes, but its source said %d", f.URL, size, f.Size)
		}
		done, err := complete(path.Base(f.Path), head)
		switch {
		case err != nil:
			return nil, err
		case done || int64(len(head)) >= f.Size:
			return head, nil
		case want >= longestHeader:
			return nil, fmt.Errorf("pull: the header of %s has more than %d bytes", f.URL, longestHeader)
		}
	}
}

// complete reports that a whole header is there. Opening the beginning of a file
// fails in any case; how tells the two apart.
func complete(name string, head []byte) (bool, error) {
	f, err := gguf.OpenBytes(name, bytes.Clone(head))
	switch {
	case err == nil:
		return true, f.Close()
	case errors.Is(err, gguf.ErrMissingShard):
		return true, nil
	case errors.Is(err, gguf.ErrTruncated):
		return strings.Contains(err.Error(), "of the data section"), nil
	}
	return false, fmt.Errorf("pull: %w", err)
}

// firstBytes reads the bytes from lo to hi, and tells the size of the file.
func (c *Client) firstBytes(ctx context.Context, f *File, lo, hi int64) ([]byte, int64, error) {
	req, err := c.request(ctx, f.URL)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", lo, hi-1))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.client().Do(req.WithContext(ctx))
	if err != nil {
		return nil, 0, fmt.Errorf("pull: %w", unreachable(err))
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	skip := int64(0)
	size := resp.ContentLength
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var from int64
		if from, _, size, err = contentRange(resp.Header.Get("Content-Range")); err != nil || from != lo {
			return nil, 0, fmt.Errorf("pull: %s answered with another range than was asked for", f.URL)
		}
	case http.StatusOK:
		skip = lo // it cannot send ranges
	default:
		return nil, 0, statusError(resp)
	}
	if size <= 0 {
		return nil, 0, fmt.Errorf("pull: %s does not say how long the file is", f.URL)
	}
	body := &watched{r: resp.Body, after: c.stall(), cancel: cancel}
	defer body.stop()
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		return nil, 0, fmt.Errorf("pull: %w", err)
	}
	head, err := io.ReadAll(io.LimitReader(body, min(hi, size)-lo))
	if err != nil {
		return nil, 0, fmt.Errorf("pull: %w", err)
	}
	if int64(len(head)) < min(hi, size)-lo {
		return nil, 0, fmt.Errorf("pull: %s ended early", f.URL)
	}
	return head, size, nil
}
