package cli

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServeRefuses checks that what cannot be served ends with a line that says
// what was given and what was expected, before anything listens.
func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "empty.gguf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want Code, says string, flags ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		code := Run(t.Context(), append([]string{"serve", "--listen", "127.0.0.1:0", "--threads", "1"}, flags...), appIn(t, dir, &out, &errs))
		if code != want || !strings.Contains(errs.String(), says) || out.Len() > 0 {
			t.Errorf("%q: code %d, %s%s", flags, code, &out, &errs)
		}
	}
	f(Usage, `--listen is "foo", but must be an address and a port`, "--listen", "foo")
	f(Usage, `--listen is "127.0.0.1:99999", but must`, "--listen", "127.0.0.1:99999")
	f(Usage, `192.0.2.1:11435 is no address of this machine`, "--listen", "192.0.2.1:11435", "--api-key", "x")
	f(Usage, `--admin-listen is "127.0.0.1", but must`, "--admin-listen", "127.0.0.1")
	f(Usage, `--allow-origin is "foo", but must`, "--allow-origin", "foo")
	f(Usage, `--allow-origin is "https://a.b/c", but must`, "--allow-origin", "https://a.b/c")
	f(Usage, `--api-key has a space`, "--api-key", "a b")
	f(Usage, `must be a time such as 30s or 5m, or 0`, "--drain", "-5s")
	f(Usage, `--models: there is no folder `, "--models", filepath.Join(dir, "none"))
	f(Usage, `empty.gguf is a file, expected a folder`, "--models", file)
	f(BadModel, `the file is empty`, file)
	f(DoesNotFit, `--context 1000000000 tokens), but there are`, "--context", "1000000000")
	f(DoesNotFit, `but there are 10 B`, "--memory", "10", "--context", "256")
	f(DoesNotFit, `the model alone does not fit`, "--memory", "10")
}

func TestServeSaysThatAPortIsInUse(t *testing.T) {
	s := startServe(t, t.TempDir())
	var out, errs bytes.Buffer
	addr := strings.TrimPrefix(s.base, "http://")
	code := Run(t.Context(), []string{"serve", "--listen", addr, "--threads", "1"}, appIn(t, t.TempDir(), &out, &errs))
	if code != Usage || !strings.Contains(errs.String(), addr+" is in use by another program") {
		t.Errorf("code %d, %s", code, &errs)
	}
}

// TestFirstKeyOfARunningServer checks that a server that began without keys
// holds the first one to its limits.
func TestFirstKeyOfARunningServer(t *testing.T) {
	home := t.TempDir()
	s := startServe(t, home)
	status := func(key string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/v1/chat/completions", strings.NewReader(`{"model":"starter","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := status("sk-hf-none-of-a-store-that-is-not-there"); got != http.StatusOK {
		t.Errorf("a key where none is needed: %d", got)
	}
	key := addKey(t, home, "ann", "--requests-per-minute", "1")
	if a, b, c := status(key), status(key), status(""); a != http.StatusOK || b != http.StatusTooManyRequests || c != http.StatusOK {
		t.Errorf("first %d, second %d, without a key %d", a, b, c)
	}
}

// TestFullDiskIsAFailure checks that no command succeeds whose output is lost.
func TestFullDiskIsAFailure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	for _, cmd := range []string{"list", "config", "version", "completion bash", "inspect starter"} {
		var errs bytes.Buffer
		code := Run(t.Context(), strings.Fields(cmd), appIn(t, t.TempDir(), full, &errs))
		if code != Failure || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: code %d, %s", cmd, code, &errs)
		}
	}
}

func TestKeysWithoutAHome(t *testing.T) {
	var out, errs bytes.Buffer
	a := appIn(t, t.TempDir(), &out, &errs)
	a.Config.Dirs.Home, a.Config.Dirs.Cache = "", ""
	if code := Run(t.Context(), []string{"keys", "add", "ann"}, a); code != Usage || !strings.Contains(errs.String(), "this user has no home folder\nname a folder with HOLDFAST_HOME") {
		t.Errorf("code %d, %s", code, &errs)
	}
}
