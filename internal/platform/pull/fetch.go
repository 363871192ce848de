package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A transfer is the download of one file.
type transfer struct {
	c    *Client
	f    *File
	path string // of the finished file
	out  *os.File
	sum  hash.Hash
	have int64 // bytes in the .part file
	tag  state
	tell func(Progress)
	last time.Time // of what was told
}

// Fetch downloads one file of a plan, or the rest of it.
func (c *Client) Fetch(ctx context.Context, f *File, tell func(Progress)) (err error) {
	t := &transfer{c: c, f: f, path: filepath.Join(c.Dir, filepath.FromSlash(f.Path)), tell: tell}
	if err := os.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	unlock, err := c.lock(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if there, err := t.there(); there || err != nil {
		return err
	}
	if err := t.open(ctx); err != nil {
		return err
	}
	if err := t.run(ctx); err != nil {
		return errors.Join(err, t.out.Close())
	}
	return t.finish()
}

// lock takes the lock of a file, in a folder that is not searched for models.
func (c *Client) lock(f *File) (unlock func() error, err error) {
	dir := filepath.Join(c.Dir, ".locks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	name := sha256.Sum256([]byte(f.Path))
	return lock(filepath.Join(dir, hex.EncodeToString(name[:8])))
}

// there reports that the file was downloaded before, and is whole.
func (t *transfer) there() (bool, error) {
	fi, err := os.Stat(t.path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() != t.f.Size {
		return false, nil //nolint:nilerr // it is not there
	}
	if t.f.SHA256 == "" {
		return true, nil
	}
	f, err := os.Open(t.path)
	if err != nil {
		return false, fmt.Errorf("pull: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	t.say("verifying what is there", fi.Size())
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false, fmt.Errorf("pull: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)) == t.f.SHA256, nil
}

// open opens the .part file and reads what is in it, for the checksum.
func (t *transfer) open(ctx context.Context) error {
	var err error
	if t.out, err = os.OpenFile(t.path+".part", os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	t.sum = sha256.New()
	if old := readState(t.path); old.matches(t.f) {
		t.tag = old
		if t.have, err = t.reread(ctx); err != nil {
			return errors.Join(err, t.out.Close())
		}
	} else {
		t.tag = state{URL: t.f.URL, Size: t.f.Size, SHA256: t.f.SHA256}
	}
	if err := t.restart(t.have); err != nil {
		return errors.Join(err, t.out.Close())
	}
	return nil
}

func (t *transfer) reread(ctx context.Context) (int64, error) {
	fi, err := t.out.Stat()
	if err != nil {
		return 0, fmt.Errorf("pull: %w", err)
	}
	if fi.Size() == 0 || t.f.Size > 0 && fi.Size() > t.f.Size {
		return 0, nil
	}
	t.say("verifying what is there", 0)
	n, err := io.Copy(t.sum, until(ctx, t.out))
	if err != nil {
		return 0, fmt.Errorf("pull: %w", err)
	}
	return n, nil
}

// restart makes the .part file have n bytes, those that the checksum has seen.
func (t *transfer) restart(n int64) error {
	if n == 0 {
		t.sum.Reset()
	}
	t.have = n
	if err := t.out.Truncate(n); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if _, err := t.out.Seek(n, io.SeekStart); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	return nil
}

// run downloads until all is there, and goes on after what passes.
func (t *transfer) run(ctx context.Context) error {
	pause, failed := t.c.Pause, 0
	if pause == 0 {
		pause = time.Second
	}
	for first := pause; t.f.Size == 0 || t.have < t.f.Size; {
		before := t.have
		done, err := t.stream(ctx)
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("pull: %w", context.Cause(ctx))
		}
		if t.have > before {
			failed, pause = 0, first
		}
		wait, again := retry(err)
		if failed++; !again || failed > t.retries() {
			return err
		}
		t.say("waiting: "+brief(err), t.have)
		select {
		case <-time.After(max(pause, wait)):
		case <-ctx.Done():
			return fmt.Errorf("pull: %w", context.Cause(ctx))
		}
		pause = min(2*pause, 30*time.Second)
	}
	return nil
}

func (t *transfer) retries() int {
	switch n := t.c.Retries; {
	case n < 0:
		return 0
	case n == 0:
		return 8
	default:
		return n
	}
}

// retry says whether an error may pass, and how long the server wants to wait.
func retry(err error) (time.Duration, bool) {
	var fatal *fatalError
	var se *StatusError
	var later *laterError
	switch {
	case errors.As(err, &fatal):
		return 0, false
	case errors.As(err, &later):
		return later.wait, true
	case errors.As(err, &se):
		return 0, se.Status >= 500 || se.Status == http.StatusRequestTimeout
	}
	return 0, true
}

// A fatalError does not pass: the disk is full, the file has changed.
type fatalError struct{ error }

func (e *fatalError) Unwrap() error { return e.error }

// A laterError is a server that is asked too often.
type laterError struct {
	error
	wait time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

func brief(err error) string { return strings.TrimPrefix(err.Error(), "pull: ") }

// stream downloads from where the file ends until the connection does. done
// reports that the file is whole.
func (t *transfer) stream(ctx context.Context) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := t.ask(ctx)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if err := t.accept(resp); err != nil {
		return false, err
	}
	body := &watched{r: resp.Body, after: t.c.stall(), cancel: cancel}
	defer body.stop()
	err = t.copy(ctx, body)
	if err != nil {
		if body.fired() {
			err = fmt.Errorf("pull: nothing came for %v", t.c.stall())
		}
		return false, err
	}
	return t.have == t.f.Size, fmt.Errorf("pull: the connection ended after %d of %d bytes", t.have, t.f.Size)
}

// ask sends the request for what is missing.
func (t *transfer) ask(ctx context.Context) (*http.Response, error) {
	req, err := t.c.request(ctx, t.f.URL)
	if err != nil {
		return nil, &fatalError{err}
	}
	if t.have > 0 && t.f.SHA256 == "" && t.tag.validator() == "" {
		if err := t.restart(0); err != nil { // the file may be another one by now
			return nil, &fatalError{err}
		}
	}
	if t.have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
		if v := t.tag.validator(); v != "" && t.f.SHA256 == "" {
			req.Header.Set("If-Range", v)
		}
	}
	resp, err := t.c.client().Do(req)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", unreachable(err))
	}
	return resp, nil
}

// accept checks that an answer goes on where the file ends.
func (t *transfer) accept(resp *http.Response) error {
	size := resp.ContentLength
	switch resp.StatusCode {
	case http.StatusPartialContent:
		from, _, total, err := contentRange(resp.Header.Get("Content-Range"))
		if err != nil || from != t.have {
			return &fatalError{fmt.Errorf("pull: %s answered with another range than was asked for", t.f.URL)}
		}
		size = total
	case http.StatusOK:
		if t.have > 0 {
			t.say("starting again: the server cannot go on, or the file has changed", 0)
			if err := t.restart(0); err != nil {
				return &fatalError{err}
			}
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if err := t.restart(0); err != nil {
			return &fatalError{err}
		}
		return fmt.Errorf("pull: %s is shorter than what is there", t.f.URL)
	case http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &laterError{statusError(resp), time.Duration(min(max(seconds, 0), 600)) * time.Second}
	default:
		return statusError(resp)
	}
	return t.known(size, resp.Header)
}

// known notes the size and the version of the file, and checks the disk.
func (t *transfer) known(size int64, h http.Header) error {
	switch {
	case size <= 0 && t.f.Size == 0:
		return &fatalError{fmt.Errorf("pull: %s does not say how long the file is", t.f.URL)}
	case t.f.Size == 0:
		t.f.Size = size
	case size > 0 && size != t.f.Size:
		return &fatalError{fmt.Errorf("pull: %s has %d bytes, but its source said %d", t.f.URL, size, t.f.Size)}
	}
	if t.f.Size > t.c.maxBytes() {
		return &fatalError{fmt.Errorf("pull: %s has %d bytes, more than the %d that are allowed", t.f.URL, t.f.Size, t.c.maxBytes())}
	}
	t.tag.Size, t.tag.ETag, t.tag.Modified = t.f.Size, h.Get("ETag"), h.Get("Last-Modified")
	if err := t.tag.write(t.path); err != nil {
		return &fatalError{err}
	}
	return nil
}

// copy writes what comes.
func (t *transfer) copy(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 256<<10)
	start, from := time.Now(), t.have
	for t.have < t.f.Size {
		n, err := r.Read(buf[:min(int64(len(buf)), t.f.Size-t.have)])
		if n > 0 {
			if _, werr := t.out.Write(buf[:n]); werr != nil {
				return &fatalError{fmt.Errorf("pull: %w", werr)}
			}
			t.sum.Write(buf[:n])
			t.have += int64(n)
			t.say("downloading", t.have)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("pull: %w", err)
		}
		if err := t.throttle(ctx, start, t.have-from); err != nil {
			return err
		}
	}
	return nil
}

// throttle waits until n bytes since start are no more than the rate allows.
func (t *transfer) throttle(ctx context.Context, start time.Time, n int64) error {
	if t.c.Rate <= 0 {
		return nil
	}
	due := time.Duration(float64(n) / float64(t.c.Rate) * float64(time.Second))
	wait := due - time.Since(start)
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pull: %w", context.Cause(ctx))
	}
}

// say tells progress, not more often than anybody wants to read it.
func (t *transfer) say(status string, done int64) {
	if t.tell == nil || status == "downloading" && done < t.f.Size && time.Since(t.last) < 100*time.Millisecond {
		return
	}
	t.last = time.Now()
	t.tell(Progress{Status: status, File: t.f.Path, SHA256: t.f.SHA256, Done: done, Total: t.f.Size})
}

// finish checks the file and gives it its name.
func (t *transfer) finish() error {
	t.say("verifying", t.have)
	got := hex.EncodeToString(t.sum.Sum(nil))
	if t.f.SHA256 != "" && got != t.f.SHA256 {
		err := fmt.Errorf("pull: %s has the checksum %s, but its source said %s; what came was thrown away, try again", t.f.Path, got, t.f.SHA256)
		return errors.Join(err, t.out.Close(), os.Remove(t.path+".part"), removeState(t.path))
	}
	t.f.SHA256 = got
	if err := errors.Join(t.out.Sync(), t.out.Close()); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if err := os.Rename(t.path+".part", t.path); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	return removeState(t.path)
}
