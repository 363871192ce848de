package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// fails checks that nothing is downloaded, and why.
func fails(t *testing.T, c *Client, name, text string) error {
	t.Helper()
	_, err := c.Pull(context.Background(), name, nil)
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, expected %q", name, err, text)
	}
	if left := leftovers(t, c.Dir); len(left) > 0 {
		t.Errorf("%s: left over %q", name, left)
	}
	found, _ := filepath.Glob(filepath.Join(c.Dir, "*", "*", "*.gguf"))
	if len(found) > 0 {
		t.Errorf("%s: downloaded %q", name, found)
	}
	return err
}

// TestHostileListings: what a repository says its files are called never leads
// out of the folder of models (CVE-2024-37032 and its like).
func TestHostileListings(t *testing.T) {
	for _, name := range []string{"../m.gguf", "../../../etc/m.gguf", "/etc/m.gguf", "a/../../m.gguf", "a//m.gguf", `a\..\m.gguf`, ".m.gguf", "a/.ssh/m.gguf", "m.gguf/../../x.gguf", "nul\x00.gguf", strings.Repeat("a", 300) + ".gguf"} {
		p := newPlace(t, map[string][]byte{name: model(t)})
		fails(t, p.client(t), "hf.co/o/r", "not allowed")
	}
	// Checksums are compared, never used as names, and must be some.
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
	defer s.Close()
	c := (&place{Server: s}).client(t)
	for listing, text := range map[string]string{
		`{"siblings":[{"rfilename":"m.gguf","lfs":{"sha256":"../../x","size":5}}]}`: "64 hexadecimal digits",
		`{"siblings":[{"rfilename":"m.gguf","size":-5}]}`:                           "-5 bytes",
		`{"siblings":[{"rfilename":"m.gguf","size":9223372036854775807}]}`:          "more than",
		`{"siblings":[]}`: "has no GGUF file",
		`<html>`:          "not understood",
	} {
		body = listing
		fails(t, c, "hf.co/o/r", text)
	}
	for digest, text := range map[string]string{"sha256:../../../etc/x": "64 hexadecimal", "md5:" + strings.Repeat("0", 64): "64 hexadecimal", "": "64 hexadecimal", "sha256:" + strings.Repeat("G", 64): "64 hexadecimal"} {
		m, err := json.Marshal(map[string]any{"layers": []any{map[string]any{"mediaType": modelLayer, "digest": digest, "size": 5}}})
		if err != nil {
			t.Fatal(err)
		}
		body = string(m)
		fails(t, c, "some:model", text)
	}
}

func TestBadChecksum(t *testing.T) {
	data := padded(t, 1000)
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	c := p.client(t)
	plan, err := c.Find(context.Background(), "hf.co/o/r")
	if err != nil {
		t.Fatal(err)
	}
	plan.Files[0].SHA256 = strings.Repeat("0", 64)
	if err := c.Fetch(context.Background(), &plan.Files[0], nil); err == nil || !strings.Contains(err.Error(), "has the checksum") {
		t.Errorf("%v", err)
	}
	if left := leftovers(t, c.Dir); len(left) > 0 {
		t.Errorf("left over %q", left)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "o/r/m.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// TestRefused: what does not fit, is no model, or has no room is refused before
// it is downloaded.
func TestRefused(t *testing.T) {
	p := newPlace(t, map[string][]byte{"m.gguf": model(t), "page-Q8_0.gguf": []byte("<!doctype html><html>" + strings.Repeat("x", 5000)), "cut-Q5_0.gguf": model(t)[:500_000]})
	c := p.client(t)
	reason := errors.New("too large for this machine")
	c.Judge = func(*gguf.File) (string, error) { return "", reason }
	if err := fails(t, c, "hf:o/r/m.gguf", "nothing was downloaded: too large"); !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
	c.Judge = nil
	fails(t, c, "hf.co/o/r:Q8_0", "not a GGUF file")
	fails(t, c, "hf.co/o/r:Q5_0", "truncated file")
	c.Free = func(string) (int64, error) { return 1000, nil }
	var space *SpaceError
	if err := fails(t, c, "hf:o/r/m.gguf", "are free"); !errors.As(err, &space) || space.Free != 1000 {
		t.Errorf("%v", err)
	}
	c.Free = nil
	c.MaxBytes = 1000
	fails(t, c, "hf:o/r/m.gguf", "more than the 1000 that are allowed")
	fails(t, c, p.URL+"/files/m.gguf", "more than the 1000 that are allowed")
	c.MaxBytes = 0
	fails(t, c, "hf.co/o/r:Q2_K", "m (0.0 GB)")
	fails(t, c, "hf.co/o/nothing", "check the name")
}

// TestHeaderGrows: a header longer than what is read first is read on; the end of
// what was read is never taken for the end of the file.
func TestHeaderGrows(t *testing.T) {
	for _, step := range []int64{32, 1000, 100_000} {
		data := padded(t, 50_000)
		p := newPlace(t, map[string][]byte{"m.gguf": data})
		c := p.client(t)
		c.headerStep = step
		n := 0
		c.Judge = func(f *gguf.File) (string, error) {
			n = f.NumTensors()
			return "", errors.New("no")
		}
		fails(t, c, "hf.co/o/r", "no")
		whole, err := gguf.OpenBytes("whole", data)
		if err != nil {
			t.Fatal(err)
		}
		if n != whole.NumTensors() || p.sent > len(data)/2 {
			t.Errorf("step %d: %d tensors, expected %d; %d bytes of %d were read", step, n, whole.NumTensors(), p.sent, len(data))
		}
		if err := whole.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestToken: the key goes to the Hub, and to nobody that the Hub leads to
// (CVE-2025-51471).
func TestToken(t *testing.T) {
	data := model(t)
	leaked := ""
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked += r.Header.Get("Authorization")
		http.ServeContent(w, r, "", p0, strings.NewReader(string(data)))
	}))
	defer other.Close()
	p := newPlace(t, map[string][]byte{"m.gguf": data})
	p.token = "hf_secret"
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/resolve/") {
			if r.Header.Get("Authorization") != "Bearer hf_secret" {
				t.Error("the Hub was asked without the key")
			}
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
			return
		}
		p.ServeHTTP(w, r)
	}))
	defer hub.Close()
	c := p.client(t)
	c.Endpoint = hub.URL
	fails(t, c, "hf.co/o/r", "HF_TOKEN") // no key
	c.Token = "hf_secret"
	if _, err := c.Pull(context.Background(), "hf.co/o/r", nil); err != nil {
		t.Fatal(err)
	}
	want(t, c, "o/r/m.gguf", data)
	if _, err := c.Pull(context.Background(), other.URL+"/m.gguf", nil); err != nil {
		t.Fatal(err)
	}
	if leaked != "" {
		t.Errorf("another host got %q", leaked)
	}
}

// TestRedirects: nobody is led from the network to places that could not have
// been asked for.
func TestRedirects(t *testing.T) {
	target := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) }))
	defer s.Close()
	c := (&place{Server: s}).client(t)
	c.Retries = -1
	for to, text := range map[string]string{
		"http://192.0.2.1/m.gguf":        "is no https address",
		"http://169.254.169.254/m.gguf":  "is no https address",
		"ftp://127.0.0.1/m.gguf":         "is no https address",
		"file:///etc/passwd":             "is no https address",
		s.URL + "/again.gguf":            "10 times",
		"http://[::ffff:192.0.2.1]/m.gg": "is no https address",
	} {
		target = to
		fails(t, c, s.URL+"/m.gguf", text)
	}
}

func TestRegistry(t *testing.T) {
	data := model(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/library/tiny/manifests/1b":
			fmt.Fprintf(w, `{"layers":[{"mediaType":"application/vnd.ollama.image.template","digest":"x","size":1},{"mediaType":%q,"digest":"sha256:%s","size":%d}]}`, modelLayer, sumOf(data), len(data))
		case "/v2/library/tiny/blobs/sha256:" + sumOf(data):
			http.ServeContent(w, r, "", p0, strings.NewReader(string(data)))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer s.Close()
	c := (&place{Server: s}).client(t)
	fails(t, c, "tiny", "the registry has no such model")
	r, err := c.Pull(context.Background(), "tiny:1b", nil)
	if err != nil || r.Name != "tiny:1b" {
		t.Fatalf("%+v, %v", r, err)
	}
	want(t, c, "ollama/library/tiny-1b.gguf", data)
}
