package pull

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// A place is a server with files, which can be made to fail.
type place struct {
	*httptest.Server
	t     *testing.T
	files map[string][]byte // by path in the repository o/r
	sums  bool              // the listing has checksums
	token string            // "" asks for none

	mu       sync.Mutex
	cut      int           // bytes after which each answer breaks; 0 never
	stall    time.Duration // a silence in the middle of the first answer
	noRanges bool
	fail     int // how many of the next answers are 503
	etag     string
	ranges   []string // that were asked for, of files
	sent     int      // bytes of files
}

func newPlace(t *testing.T, files map[string][]byte) *place {
	t.Helper()
	p := &place{t: t, files: files, sums: true, etag: `"one"`}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// model is a small GGUF file.
func model(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/llama-tied/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

const commitID = "0123456789abcdef0123456789abcdef01234567"

// ServeHTTP answers as the Hub does.
func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.token != "" && r.Header.Get("Authorization") != "Bearer "+p.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/api/models/o/r" {
		p.listing(w)
		return
	}
	for _, prefix := range []string{"/o/r/resolve/" + commitID + "/", "/files/"} {
		if name, ok := strings.CutPrefix(r.URL.Path, prefix); ok && p.files[name] != nil {
			p.file(w, r, p.files[name])
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func (p *place) listing(w http.ResponseWriter) {
	type lfs struct {
		SHA256 string `json:"sha256"`
		Size   int    `json:"size"`
	}
	var siblings []map[string]any
	for name, data := range p.files {
		s := map[string]any{"rfilename": name, "size": len(data)}
		if p.sums {
			s["lfs"] = lfs{sumOf(data), len(data)}
		}
		siblings = append(siblings, s)
	}
	err := json.NewEncoder(w).Encode(map[string]any{"sha": commitID, "cardData": map[string]any{"license": "mit"}, "siblings": siblings})
	if err != nil {
		p.t.Error(err)
	}
}

func (p *place) file(w http.ResponseWriter, r *http.Request, data []byte) {
	p.mu.Lock()
	p.ranges = append(p.ranges, r.Header.Get("Range"))
	cut, stall, fail := p.cut, p.stall, p.fail > 0
	p.fail--
	p.stall = 0
	if p.noRanges {
		r.Header.Del("Range")
	}
	w.Header().Set("ETag", p.etag)
	p.mu.Unlock()
	if fail {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	http.ServeContent(&breaking{w, p, cut, stall}, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader(data))
}

// breaking is an answer that ends early or pauses.
type breaking struct {
	http.ResponseWriter
	p     *place
	left  int // 0 is no limit
	stall time.Duration
}

// Write breaks the connection when enough was sent.
func (b *breaking) Write(data []byte) (int, error) {
	end := false
	if b.left > 0 && len(data) >= b.left {
		data, end = data[:b.left], true
	}
	n, err := b.ResponseWriter.Write(data)
	b.p.mu.Lock()
	b.p.sent += n
	b.p.mu.Unlock()
	b.left -= n
	if b.stall > 0 {
		b.ResponseWriter.(http.Flusher).Flush()
		time.Sleep(b.stall)
		end = true
	}
	if end {
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// client returns one that loads into an empty folder.
func (p *place) client(t *testing.T) *Client {
	t.Helper()
	return &Client{Dir: filepath.Join(t.TempDir(), "models"), Endpoint: p.URL, Registry: p.URL, Pause: time.Millisecond, Free: func(string) (int64, error) { return 1 << 40, nil }}
}

// want checks that a file is there and nothing else is left over.
func want(t *testing.T, c *Client, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(path)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%s has %d bytes (%v), expected %d", path, len(got), err, len(data))
	}
	for _, f := range leftovers(t, c.Dir) {
		t.Errorf("%s was left over", f)
	}
}

// leftovers lists what only an unfinished download has.
func leftovers(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.Contains(d.Name(), ".part") || strings.HasPrefix(d.Name(), ".preview")) {
			out = append(out, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// padded is a model with more weights than it needs, so that there is something
// to download.
func padded(t testing.TB, n int) []byte {
	t.Helper()
	data := model(t)
	for i := range n {
		data = fmt.Appendf(data, "%08x", i*2654435761)
	}
	return data
}

func splitPart(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/split", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
