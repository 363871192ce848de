package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/cli"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// asProgram makes the test binary the program, so that there is a process to kill.
// HOLDFAST_SOAK_BINARY names another one, such as a release.
const asProgram = "HOLDFAST_SOAK_PROGRAM"

func TestMain(m *testing.M) {
	home := os.Getenv(asProgram)
	if home == "" {
		os.Exit(m.Run())
	}
	data, err := os.ReadFile(os.Getenv("HOLDFAST_SOAK_STARTER"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	starter := &app.Starter{Name: app.StarterName, FullName: "Tiny", File: "tiny.gguf", Data: func() []byte { return data }}
	cfg := &config.Config{Dirs: config.Dirs{Home: home, Cache: filepath.Join(home, "cache")}}
	code := cli.Run(context.Background(), os.Args[1:], app.New(app.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, cfg, starter))
	os.Exit(int(code))
}

// A program runs commands in a folder of its own.
type program struct {
	t    *testing.T
	home string
}

func (p *program) command(args ...string) *exec.Cmd {
	path := os.Getenv("HOLDFAST_SOAK_BINARY")
	if path == "" {
		path = os.Args[0]
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), asProgram+"="+p.home, "HOLDFAST_HOME="+p.home,
		"HOLDFAST_SOAK_STARTER="+filepath.Join(golden.ModuleRoot(p.t), "test/vectors/goldens/models/llama-tied/model.gguf"))
	return c
}

// run returns what a command prints.
func (p *program) run(args ...string) string {
	p.t.Helper()
	var errs bytes.Buffer
	c := p.command(args...)
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		p.t.Fatalf("%v: %v\n%s%s", args, err, out, errs.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// A process is a server that can be killed.
type process struct {
	*program
	cmd *exec.Cmd
	url string
	log bytes.Buffer
}

var address = regexp.MustCompile(`^OpenAI +(http://.*)/v1$`)

func (p *program) start() *process {
	p.t.Helper()
	s := &process{program: p}
	s.cmd = p.command("serve", "starter", "--listen", "127.0.0.1:0", "--require-key", "--context", "256", "--parallel", "4", "--threads", "1",
		"--disk-cache", filepath.Join(p.home, "prompts"), "--disk-cache-size", "64MiB")
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); s.url == "" && lines.Scan(); {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
		}
	}
	if s.url == "" {
		s.kill()
		p.t.Fatalf("serve does not come up: %s", s.log.Bytes())
	}
	go io.Copy(io.Discard, out)
	return s
}

// kill ends the process as a power cut would.
func (s *process) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// A usage is what an answer says that it took.
type usage struct {
	Prompt  int `json:"prompt_tokens"`
	Details struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// ask has one answer. It reports false if the process went away.
func (s *process) ask(key, prompt string, tokens int) (usage, bool) {
	body := fmt.Sprintf(`{"model":"starter","prompt":%q,"max_tokens":%d,"temperature":0}`, prompt, tokens)
	r, err := http.NewRequest(http.MethodPost, s.url+"/v1/completions", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	var out struct{ Usage usage }
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return out.Usage, false
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return out.Usage, false
	}
	if err := json.Unmarshal(b, &out); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Errorf("%s %s", resp.Status, b)
	}
	return out.Usage, true
}

// counted is how many requests the usage of the key has.
func (p *program) counted() (n int) {
	p.t.Helper()
	var rows []struct{ Requests int }
	text := p.run("keys", "usage", "--json")
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	for _, r := range rows {
		n += r.Requests
	}
	return n
}

// TestKill kills a server at any moment, again and again: each start is clean, the
// keys are there, usage lacks a second at most, and prompts that were kept on disk
// are not read again.
func TestKill(t *testing.T) {
	p := &program{t, t.TempDir()}
	key := p.run("keys", "add", "ann")
	long := strings.Repeat("The river carries salt to the sea. ", 7)
	s := p.start()
	if _, ok := s.ask(key, long, 2); !ok {
		t.Fatalf("no answer: %s", s.log.Bytes())
	}
	time.Sleep(1500 * time.Millisecond) // the prompt and the usage are on disk then
	s.kill()
	certain := 1 // requests that must be counted
	r := rand.New(rand.NewPCG(1, 2))
	for round := range min(30, requests(t, 3)) {
		s = p.start()
		if u, ok := s.ask(key, long, 2); !ok || u.Details.Cached == 0 {
			t.Errorf("round %d: %d of %d tokens came from the disk; %s", round, u.Details.Cached, u.Prompt, s.log.Bytes())
		}
		certain += s.load(r, key, time.Duration(r.IntN(1800))*time.Millisecond)
		if n := p.counted(); n < certain {
			t.Errorf("round %d: %d requests counted, at least %d were answered in time", round, n, certain)
		}
	}
}

// load keeps the process busy, kills it after a while, and returns how many
// requests were answered so early that they must have been counted.
func (s *process) load(r *rand.Rand, key string, after time.Duration) (early int) {
	begin := time.Now()
	end := begin.Add(after)
	var mu sync.Mutex
	var answered []time.Time
	var wg sync.WaitGroup
	for i := range 4 {
		seed := r.Uint64()
		wg.Go(func() {
			for n := range 10_000 {
				if _, ok := s.ask(key, fmt.Sprintf("%d %d %d %s", seed, i, n, strings.Repeat("salt ", n%20)), 1+n%8); !ok {
					return
				}
				mu.Lock()
				answered = append(answered, time.Now())
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Until(end))
	killed := time.Now()
	s.kill()
	wg.Wait()
	const late = 1500 * time.Millisecond // a second, and what a busy machine adds
	for _, at := range answered {
		if killed.Sub(at) > late {
			early++
		}
	}
	return early
}
