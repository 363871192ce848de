package pull

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

func TestPull(t *testing.T) {
	data := padded(t, 100_000)
	p := newPlace(t, map[string][]byte{"m-Q4_K_M.gguf": data, "m-Q8_0.gguf": model(t), "README.md": []byte("x")})
	c := p.client(t)
	judged := ""
	c.Judge = func(f *gguf.File) (string, error) {
		judged = f.Arch()
		return "fits\nfast", nil
	}
	var steps []string
	tell := func(s Progress) {
		if len(steps) == 0 || steps[len(steps)-1] != s.Status {
			steps = append(steps, s.Status)
		}
	}
	r, err := c.Pull(context.Background(), "hf.co/o/r", tell)
	if err != nil {
		t.Fatal(err)
	}
	want(t, c, "o/r/m-Q4_K_M.gguf", data)
	if judged != "llama" || r.Name != "hf.co/o/r" || r.Size != int64(len(data)) || r.Licence != "mit" {
		t.Errorf("judged %q, %+v", judged, r)
	}
	if w := []string{"looking for hf.co/o/r", "licence: mit", "reading the header", "fits", "fast", "downloading", "verifying"}; !slices.Equal(steps, w) {
		t.Errorf("steps %q", steps)
	}
	recipes, err := library.Recipes(c.Dir)
	if err != nil || len(recipes) != 1 || recipes[0].SHA256 != sumOf(data) || recipes[0].File != "o/r/m-Q4_K_M.gguf" {
		t.Errorf("%+v, %v", recipes, err)
	}
	// Again: only the header is read.
	p.sent = 0
	if _, err := c.Pull(context.Background(), "hf:o/r/m-Q4_K_M.gguf", nil); err != nil || p.sent > firstHeader {
		t.Errorf("%v, %d bytes", err, p.sent)
	}
}

// TestBreaks: connections that end early are taken up where they ended.
func TestBreaks(t *testing.T) {
	data := padded(t, 100_000)
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	c := p.client(t)
	plan, err := c.Find(context.Background(), "hf.co/o/r")
	if err != nil {
		t.Fatal(err)
	}
	p.cut, p.fail = 50_000, 3
	last := int64(-1)
	err = c.Fetch(context.Background(), &plan.Files[0], func(s Progress) {
		if s.Status == "downloading" {
			if s.Done < last {
				t.Errorf("progress went from %d to %d", last, s.Done)
			}
			last = s.Done
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, c, "o/r/m.gguf", data)
	if p.sent != len(data) || len(p.ranges) < len(data)/50_000 {
		t.Errorf("%d bytes were sent for %d, in %d answers", p.sent, len(data), len(p.ranges))
	}
}

// TestInterrupted: a program that ends in the middle finds its bytes again.
func TestInterrupted(t *testing.T) {
	for _, sums := range []bool{true, false} {
		data := padded(t, 100_000)
		p := newPlace(t, map[string][]byte{"m.gguf": data})
		p.sums = sums
		c := p.client(t)
		c.Rate = 4 << 20
		ctx, cancel := context.WithCancel(context.Background())
		_, err := c.Pull(ctx, "hf.co/o/r", func(s Progress) {
			if s.Status == "downloading" && s.Done > 0 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled: %v", err)
		}
		fi, err := os.Stat(filepath.Join(c.Dir, "o/r/m.gguf.part"))
		if err != nil || fi.Size() == 0 || fi.Size() == int64(len(data)) {
			t.Fatalf("%v %v", fi, err)
		}
		p.sent, p.ranges = 0, nil
		c.Rate = 0
		if _, err := c.Pull(context.Background(), "hf.co/o/r", nil); err != nil {
			t.Fatal(err)
		}
		want(t, c, "o/r/m.gguf", data)
		if last := p.ranges[len(p.ranges)-1]; !strings.HasPrefix(last, "bytes=") || last == "bytes=0-" {
			t.Errorf("ranges %q", p.ranges)
		}
	}
}

// TestChanged: without a checksum, a file that is another one by now is begun
// again.
func TestChanged(t *testing.T) {
	data := padded(t, 50_000)
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	c := p.client(t)
	f := File{Path: "x/m.gguf", URL: p.URL + "/files/m.gguf"}
	p.cut = 1000
	c.Retries = -1
	if err := c.Fetch(context.Background(), &f, nil); err == nil {
		t.Fatal("a broken connection was no error")
	}
	p.cut = 0
	changed := append([]byte("GGUF"), data[4:]...)
	changed[len(changed)-1] ^= 1
	p.files["m.gguf"], p.etag = changed, `"two"`
	if err := c.Fetch(context.Background(), &f, nil); err != nil {
		t.Fatal(err)
	}
	want(t, c, "x/m.gguf", changed)
}

func TestNoRanges(t *testing.T) {
	data := padded(t, 50_000)
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	p.noRanges = true
	c := p.client(t)
	plan, err := c.Find(context.Background(), "hf.co/o/r")
	if err != nil {
		t.Fatal(err)
	}
	p.cut = 300_000
	c.Retries = -1
	if err := c.Fetch(context.Background(), &plan.Files[0], nil); err == nil {
		t.Fatal("a broken connection was no error")
	}
	p.cut = 0
	if _, err := c.Pull(context.Background(), "hf.co/o/r", nil); err != nil {
		t.Fatal(err)
	}
	want(t, c, "o/r/m.gguf", data)
}

func TestStall(t *testing.T) {
	data := padded(t, 50_000)
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	c := p.client(t)
	c.Stall = 50 * time.Millisecond
	plan, err := c.Find(context.Background(), "hf.co/o/r")
	if err != nil {
		t.Fatal(err)
	}
	p.cut, p.stall = 2000, 400*time.Millisecond
	waited := ""
	err = c.Fetch(context.Background(), &plan.Files[0], func(s Progress) {
		if strings.HasPrefix(s.Status, "waiting") && waited == "" {
			waited = s.Status
			p.mu.Lock()
			p.cut = 0
			p.mu.Unlock()
		}
	})
	if err != nil || !strings.Contains(waited, "nothing came for 50ms") {
		t.Errorf("%v, %q", err, waited)
	}
	want(t, c, "o/r/m.gguf", data)
}

func TestSplit(t *testing.T) {
	files := map[string][]byte{}
	var whole []byte
	for _, name := range []string{"model-00001-of-00003.gguf", "model-00002-of-00003.gguf", "model-00003-of-00003.gguf"} {
		files["Q4_0/"+name] = splitPart(t, name)
		whole = append(whole, files["Q4_0/"+name]...)
	}
	files["other-Q8_0.gguf"] = model(t)
	p := newPlace(t, files)
	c := p.client(t)
	tensors := 0
	c.Judge = func(f *gguf.File) (string, error) {
		tensors = f.NumTensors()
		return "", nil
	}
	r, err := c.Pull(context.Background(), "hf.co/o/r:Q4_0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Paths) != 3 || r.Size != int64(len(whole)) || tensors == 0 {
		t.Errorf("%+v, %d tensors", r, tensors)
	}
	f, err := gguf.Open(r.Paths[0])
	if err != nil {
		t.Fatal(err)
	}
	if f.NumTensors() != tensors {
		t.Errorf("%d tensors, the header had %d", f.NumTensors(), tensors)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	delete(p.files, "Q4_0/model-00002-of-00003.gguf")
	if _, err := c.Find(context.Background(), "hf.co/o/r:Q4_0"); err == nil || !strings.Contains(err.Error(), "should have 00003 parts") {
		t.Errorf("a part is missing: %v", err)
	}
}

// TestBusy: one file, one download.
func TestBusy(t *testing.T) {
	p := newPlace(t, map[string][]byte{"m.gguf": padded(t, 1000)})
	c := p.client(t)
	f := &File{Path: "o/r/m.gguf", URL: p.URL + "/files/m.gguf"}
	unlock, err := c.lock(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(context.Background(), f, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(context.Background(), f, nil); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}
