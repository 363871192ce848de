package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/obs"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/admin"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	plan         app.Plan
	listen       string
	parallel     int
	apiKey       string
	dir          string
	memory       string
	keep         string
	origins      []string
	cert, key    string
	adminListen  string
	logLevel     string
	drain        time.Duration
	maxInFlight  int
	memoryBytes  int64
	keepDuration time.Duration
}

const serveHelp = `Serve models over HTTP, in the words of OpenAI's API: point a client at
http://127.0.0.1:11435/v1 and change nothing else.

MODEL is the path of a GGUF file or "starter"; --models names a folder of files.
Without either, the starter is served. A model is loaded when it is first asked
for, several at once if the memory allows it, and unloaded when nobody has used it
for a while.

On 127.0.0.1, where only programs of this machine can come from, no key is needed.
Any other address needs one (--api-key).

Ctrl-C lets the answers that are being made finish; a second Ctrl-C does not.`

func newServe(a *app.App) *cobra.Command {
	o := serveOptions{logLevel: "info"}
	cmd := &cobra.Command{
		Use:   "serve [MODEL...]",
		Short: "Serve models over HTTP, for OpenAI clients",
		Long:  serveHelp,
		Example: `  holdfast serve
  holdfast serve DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf --context 32768
  holdfast serve --models ~/models --memory 48GiB --listen 0.0.0.0:11435 --api-key KEY`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(); err != nil {
				return err
			}
			return serve(cmd.Context(), a, &o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:11435", "`ADDRESS` and port to listen on")
	planFlags(cmd, &o.plan)
	f.Lookup("context").Usage = "tokens of one request; 0 for what the model and the memory allow, at most 8192"
	intFlag(cmd, &o.parallel, "parallel", 0, 4096, "requests of full length that there is cache memory for; 0 for 4")
	f.StringVar(&o.apiKey, "api-key", "", "the `KEY` that requests must carry")
	f.StringVar(&o.dir, "models", "", "serve the GGUF files in `DIR` and below")
	f.StringVar(&o.memory, "memory", "", "most memory for all models, such as 24GiB; empty for what is free")
	f.StringVar(&o.keep, "keep-alive", "", "unload a model that was unused for this long, such as 30m; -1 for never (default: 30m, never for a single model)")
	f.Var(&list{p: &o.origins}, "allow-origin", "web page that may use the server from a browser, such as https://chat.example.com; * for all (can be repeated)")
	f.StringVar(&o.cert, "tls-cert", "", "certificate `FILE` for https, in PEM")
	f.StringVar(&o.key, "tls-key", "", "key `FILE` of the certificate")
	f.StringVar(&o.adminListen, "admin-listen", "", "second `ADDRESS`, on this machine only, for metrics and profiles")
	choiceFlag(cmd, &o.logLevel, "log-level", []string{"debug", "info", "warn", "error"}, "what to log on standard error, as JSON lines")
	f.DurationVar(&o.drain, "drain", 30*time.Second, "how long answers may go on after Ctrl-C")
	intFlag(cmd, &o.maxInFlight, "max-requests", 0, 1<<20, "requests at once, waiting ones included; 0 for 1024")
	return cmd
}

// parse checks the flags that are texts.
func (o *serveOptions) parse() error {
	if (o.cert == "") != (o.key == "") {
		return &app.UsageError{Message: "--tls-cert and --tls-key belong together"}
	}
	var err error
	if o.memoryBytes, err = parseBytes(o.memory); err != nil {
		return &app.UsageError{Message: fmt.Sprintf("--memory is %q, but must be a size such as 24GiB", o.memory)}
	}
	switch o.keep {
	case "":
	case "-1":
		o.keepDuration = -1
	default:
		if o.keepDuration, err = time.ParseDuration(o.keep); err != nil || o.keepDuration < 0 {
			return &app.UsageError{Message: fmt.Sprintf("--keep-alive is %q, but must be a time such as 30m, or -1", o.keep)}
		}
	}
	if o.adminListen != "" && !server.IsLoopback(o.adminListen) {
		return &app.UsageError{Message: fmt.Sprintf("--admin-listen is %s, but must be an address of this machine only, such as 127.0.0.1:11436", o.adminListen)}
	}
	if o.apiKey == "" && !server.IsLoopback(o.listen) {
		return &app.UsageError{
			Message: fmt.Sprintf("--listen %s can be reached by other machines, which needs --api-key", o.listen),
			Hint:    "choose a long random key, such as the output of: openssl rand -hex 24",
		}
	}
	return nil
}

// sizeUnits are the endings of sizes, the longer ones first.
var sizeUnits = []struct {
	name string
	n    float64
}{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"tib", 1 << 40},
	{"kb", 1e3},
	{"mb", 1e6},
	{"gb", 1e9},
	{"tb", 1e12},
	{"k", 1 << 10},
	{"m", 1 << 20},
	{"g", 1 << 30},
	{"t", 1 << 40},
	{"b", 1},
}

// parseBytes reads a size such as "24GiB", "8G" or "1000000"; "" is 0.
func parseBytes(text string) (int64, error) {
	s, unit := strings.ToLower(strings.TrimSpace(text)), 1.0
	if s == "" {
		return 0, nil
	}
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = strings.TrimSpace(rest), u.n
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v <= 0 || v*unit >= math.MaxInt64 {
		return 0, errors.New("not a size")
	}
	return int64(v * unit), nil
}

// A service is a running server with its parts.
type service struct {
	a       *app.App
	o       *serveOptions
	log     *slog.Logger
	team    *par.Team
	models  *library.Manager
	metrics *obs.Metrics
	main    *server.Server
	admin   *server.Server // nil without --admin-listen
}

// serve runs until the context ends, then lets answers finish.
func serve(ctx context.Context, a *app.App, o *serveOptions, args []string) error {
	s := &service{a: a, o: o, log: newLog(a.IO.Err, o.logLevel)}
	s.team = par.New(app.Workers(o.plan.Threads))
	defer s.team.Close()
	err := s.open(args)
	if err == nil {
		err = s.run(ctx)
	}
	if s.models != nil {
		err = firstErr(err, s.models.Close())
	}
	return err
}

func newLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the flag allows known names only
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// open finds the models and makes the servers.
func (s *service) open(args []string) error {
	elem, err := attend.ParseElem(s.o.plan.KVType)
	if err != nil {
		return &app.UsageError{Message: err.Error()}
	}
	if len(args) == 0 && s.o.dir == "" {
		args = []string{app.StarterName}
	}
	keep := s.o.keepDuration
	if s.o.keep == "" {
		keep = 30 * time.Minute
		if s.o.dir == "" && len(args) == 1 {
			keep = -1
		}
	}
	parallel := s.o.parallel
	if parallel == 0 {
		parallel = 4
	}
	s.metrics = obs.New(obs.Source{Models: func() []library.Info { return s.models.Running() }, InFlight: func() int { return s.main.InFlight() }}, app.Version(), kernels())
	s.models = library.New(library.Options{
		Opener: &library.GGUF{Team: s.team, KV: elem, Parallel: parallel},
		Dir:    s.o.dir, Context: s.o.plan.Context, Parallel: parallel, Memory: s.o.memoryBytes, Keep: keep,
		Log: s.log, Observe: s.metrics.Engine,
	})
	if err := s.addModels(args); err != nil {
		return err
	}
	return s.newServers()
}

// addModels puts the models on the list.
func (s *service) addModels(args []string) error {
	for _, ref := range args {
		src, err := s.source(ref)
		if err != nil {
			return err
		}
		if err := s.models.Add(src); err != nil {
			return &app.UsageError{Message: app.Text(err)}
		}
	}
	if s.o.dir == "" {
		return nil
	}
	if err := s.models.Rescan(); err != nil {
		return &app.UsageError{Message: "--models: " + app.Text(err)}
	}
	if len(s.models.Names()) == 0 {
		s.log.Warn("there is no GGUF file in the folder yet", "folder", s.o.dir)
	}
	return nil
}

func (s *service) source(ref string) (library.Source, error) {
	f, err := s.a.File(ref) // says what is wrong with it in words for people
	if err != nil {
		return library.Source{}, err
	}
	if err := f.Close(); err != nil {
		return library.Source{}, err
	}
	if ref != app.StarterName {
		return library.FileSource(ref)
	}
	st := s.a.Starter
	return library.Source{Name: app.StarterName, Aliases: []string{st.FullName}, Path: st.File, Data: st.Data(), Created: time.Now()}, nil
}

// kernels names the fastest tier in use.
func kernels() string {
	best := "portable"
	for _, i := range cpu.Impls() {
		if i.On() {
			best = i.Name
		}
	}
	return best
}

// newServers makes the server for users and, if asked for, the one for admins.
func (s *service) newServers() error {
	cfg := server.Config{Listen: s.o.listen, AllowOrigins: s.o.origins, MaxInFlight: s.o.maxInFlight, Log: s.log, Done: s.metrics.HTTP}
	if s.o.apiKey != "" {
		cfg.Auth = server.NewFixedKey(s.o.apiKey)
	}
	if s.o.cert != "" {
		c, err := tls.LoadX509KeyPair(s.o.cert, s.o.key)
		if err != nil {
			return &app.UsageError{Message: "--tls-cert: " + err.Error()}
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	}
	draining := func() bool { return s.main.Draining() }
	public := admin.New(admin.Options{Backend: s.models, Metrics: s.metrics.Handler(), Draining: draining, Version: app.Version()})
	var err error
	if s.main, err = server.New(cfg, openai.New(s.models, openai.Options{}), public); err != nil {
		return err
	}
	if s.o.adminListen == "" {
		return nil
	}
	private := admin.New(admin.Options{Backend: s.models, Metrics: s.metrics.Handler(), Draining: draining, Version: app.Version(), Profiles: true})
	s.admin, err = server.New(server.Config{Listen: s.o.adminListen, Log: s.log}, private)
	return err
}

// run serves until the context ends.
func (s *service) run(ctx context.Context) error {
	l, err := listen(s.o.listen)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- s.main.Serve(l) }()
	if s.admin != nil {
		al, err := listen(s.o.adminListen)
		if err != nil {
			return firstErr(err, s.main.Shutdown(context.Background()))
		}
		go func() { failed <- s.admin.Serve(al) }()
	}
	s.announce(l.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return s.end()
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &app.UsageError{Message: err.Error(), Hint: "another server may be using the port; choose another address with --listen"}
	}
	return l, nil
}

// end lets answers finish. The signals are the system's again: the next one
// ends the program at once.
func (s *service) end() error {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	s.log.Info("shutting down", "in_flight", s.main.InFlight(), "seconds", s.o.drain.Seconds())
	ctx, stop := context.WithTimeout(context.Background(), s.o.drain)
	defer stop()
	err := s.main.Shutdown(ctx)
	if s.admin != nil {
		err = firstErr(err, s.admin.Shutdown(ctx))
	}
	return err
}

// announce says what is served and how to ask.
func (s *service) announce(addr string) {
	scheme := "http"
	if s.o.cert != "" {
		scheme = "https"
	}
	base := scheme + "://" + reachable(addr)
	names := s.models.Names()
	fmt.Fprintf(s.a.IO.Out, "serving %s\n", or(strings.Join(names, ", "), "the models that will be put into "+s.o.dir))
	fmt.Fprintf(s.a.IO.Out, "OpenAI    %s/v1\n", base)
	if s.o.adminListen != "" {
		fmt.Fprintf(s.a.IO.Out, "admin     http://%s/metrics, /debug/pprof/\n", s.o.adminListen)
	}
	if len(names) == 0 {
		return
	}
	auth := ""
	if s.o.apiKey != "" {
		auth = " -H 'Authorization: Bearer KEY'"
	}
	fmt.Fprintf(s.a.IO.Out, "try       curl -N %s/v1/chat/completions%s -H 'Content-Type: application/json' -d '%s'\n", base, auth,
		fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"Why is the sea salty?"}]}`, names[0]))
	if names[0] == app.StarterName {
		fmt.Fprintln(s.a.IO.Out, "\nThe starter is a demonstration inside the program, far too small to be relied on.\nFor real work: holdfast serve FILE.gguf (holdfast run --help names some)")
	}
}

// reachable turns a listen address into one that a client can use.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
