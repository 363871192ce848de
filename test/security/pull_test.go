package security_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/pull"
)

// seen remembers the Authorization headers that a server got.
type seen struct {
	sync.Mutex
	keys []string
}

func (s *seen) note(r *http.Request) {
	s.Lock()
	defer s.Unlock()
	if k := r.Header.Get("Authorization"); k != "" {
		s.keys = append(s.keys, k)
	}
}

// A registry's digest was used as a path: "../../../etc/cron.d/x" wrote outside
// of the folder of models.
func TestDigestsAndNamesAreNoPaths(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "models")
	for _, digest := range []string{
		"sha256:../../../../evil", "../../evil", "sha256-" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("a", 63) + "/", "sha512:" + strings.Repeat("a", 64), "",
		"sha256:" + strings.Repeat("A", 64),
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				fmt.Fprintf(w, `{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":%q,"size":4}]}`, digest)
				return
			}
			fmt.Fprint(w, "GGUF")
		}))
		c := &pull.Client{Dir: dir, Registry: srv.URL, Retries: -1}
		if p, err := c.Find(t.Context(), "evil"); err == nil {
			t.Errorf("digest %q was taken: %+v", digest, p)
		}
		srv.Close()
	}
	// The same with the names of files that the Hub lists.
	for _, name := range []string{"../evil.gguf", "/etc/evil.gguf", `..\evil.gguf`, "a/../../evil.gguf", "C:evil.gguf", "evil.gguf\x00"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(map[string]any{"sha": "main", "siblings": []map[string]any{{"rfilename": name, "size": 4}}})
		}))
		c := &pull.Client{Dir: dir, Endpoint: srv.URL, Retries: -1}
		if p, err := c.Find(t.Context(), "hf.co/owner/repo"); err == nil {
			t.Errorf("file name %q was taken: %+v", name, p.Files[0])
		}
		srv.Close()
	}
	onlyIn(t, outer, "models")
}

// onlyIn wants no file outside of a subfolder.
func onlyIn(t *testing.T, outer, inner string) {
	t.Helper()
	err := filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path, filepath.Join(outer, inner)+string(filepath.Separator)) {
			t.Errorf("%s was written", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A server that was asked for a model could name another host to bring the key
// to, by a redirect or by the realm of its challenge.
func TestKeysStayWithTheirHost(t *testing.T) {
	var elsewhere seen
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.note(r)
		fmt.Fprint(w, `{"token":"x","siblings":[]}`)
	}))
	defer other.Close()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "redirect") {
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+other.URL+`/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer hub.Close()
	c := &pull.Client{Dir: t.TempDir(), Endpoint: hub.URL, Registry: hub.URL, Token: "secret", Retries: -1}
	for _, name := range []string{"hf.co/owner/redirect", "hf.co/owner/realm", "realm", "redirect"} {
		if _, err := c.Find(t.Context(), name); err == nil {
			t.Errorf("%s was found", name)
		}
	}
	elsewhere.Lock()
	defer elsewhere.Unlock()
	if len(elsewhere.keys) > 0 {
		t.Errorf("another host got %q", elsewhere.keys)
	}
}

// A server that answers with a compressed, or endless, listing.
func TestListingsAreBounded(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 256 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	c := &pull.Client{Dir: t.TempDir(), Endpoint: srv.URL, Retries: -1}
	if _, err := c.Find(t.Context(), "hf.co/owner/repo"); err == nil {
		t.Error("an endless listing was taken")
	}
}
