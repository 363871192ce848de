package cli

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/obs"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/admin"
	"github.com/holdfast-llm/holdfast/internal/server/anthropic"
	"github.com/holdfast-llm/holdfast/internal/server/deepseek"
	"github.com/holdfast-llm/holdfast/internal/server/ollama"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// A service is a running server with its parts.
type service struct {
	a       *app.App
	o       *serveOptions
	log     *slog.Logger
	team    *par.Team
	models  *library.Manager
	metrics *obs.Metrics
	tracer  *obs.Tracer  // nil without --otlp-endpoint
	store   *store.Store // nil without keys
	rule    keyRule

	responses *store.Responses // nil: in memory only
	main      *server.Server
	admin     *server.Server // nil without --admin-listen
}

func newService(a *app.App, o *serveOptions) *service {
	return &service{a: a, o: o, log: newLog(a.IO.Err, o.logLevel), team: par.New(app.Workers(o.plan.Threads))}
}

func newLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the flag allows known names only
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

// close frees everything, in the order in which it depends on each other.
func (s *service) close() error {
	var err error
	if s.models != nil {
		err = s.models.Close()
	}
	if s.store != nil {
		err = firstErr(err, s.store.Close())
	}
	if s.responses != nil {
		err = firstErr(err, s.responses.Close())
	}
	err = firstErr(err, s.rule.later.close())
	if s.tracer != nil {
		s.tracer.Close()
	}
	s.team.Close()
	return err
}

// open finds the models and makes the servers.
func (s *service) open(args []string) error {
	var elem attend.Elem // of no use where each model has its own default
	var err error
	if kv := s.o.plan.KVType; kv != "" {
		if elem, err = attend.ParseElem(kv); err != nil {
			return &app.UsageError{Message: err.Error()}
		}
	}
	if s.o.traces != "" {
		warn := func(err error) { s.log.Warn("traces are not taken", "error", err) }
		if s.tracer, err = obs.NewTracer(s.o.traces, app.Version(), warn); err != nil {
			return &app.UsageError{Message: "--otlp-endpoint: " + app.Text(err)}
		}
	}
	if err := s.openKeys(context.Background()); err != nil {
		return err
	}
	args = s.choose(args)
	s.chooseDisk(args)
	keep := s.o.keepDuration
	if s.o.keep == "" {
		keep = 30 * time.Minute
		if s.o.dir == "" && len(args) == 1 {
			keep = -1
		}
	}
	if s.o.parallel == 0 {
		s.o.parallel = 4
	}
	s.metrics = obs.New(obs.Source{Models: func() []library.Info { return s.models.Running() }, InFlight: func() int { return s.main.InFlight() }}, app.Version(), kernels())
	s.models = library.New(library.Options{
		Opener: &library.GGUF{
			Team: s.team, KV: elem, DefaultKV: s.o.plan.KVType == "", Deterministic: s.o.deterministic, Parallel: s.o.parallel, DiskDir: s.o.diskFolder, DiskBytes: s.o.diskBytes,
			Warn: func(err error) { s.log.Warn("the disk cache", "error", err) },
		},
		Dir: s.folder(), Context: s.o.plan.Context, Parallel: s.o.parallel, Memory: s.o.memoryBytes, Keep: keep,
		Log: s.log, Observe: s.metrics.Engine,
	})
	if err := s.addModels(args); err != nil {
		return err
	}
	return s.newServers()
}

// choose decides what is served if nothing was named.
func (s *service) choose(args []string) []string {
	if len(args) > 0 || s.o.dir != "" {
		return args
	}
	dir := s.a.Config.Dirs.Models()
	if found, err := library.Scan(dir); dir != "" && err == nil && len(found) > 0 {
		s.o.dir, s.o.defaultFolder = dir, true
		return nil
	}
	s.o.byDefault = true
	return []string{app.StarterName}
}

// folder is where models are looked for and downloaded to. Whoever names models
// gets those and no others; a starter that was only not replaced yet can be.
func (s *service) folder() string {
	if s.o.dir == "" && s.o.byDefault {
		return s.a.Config.Dirs.Models()
	}
	return s.o.dir
}

// defaultDisk is how much of a disk the cache takes, if there is that much.
const defaultDisk = 8 << 30

// chooseDisk decides what is kept on disk. The starter reads a prompt faster
// than it is worth keeping.
func (s *service) chooseDisk(args []string) {
	o := s.o
	dir := o.disk
	onlyStarter := o.dir == "" && len(args) == 1 && args[0] == app.StarterName
	if dir == "off" || dir == "" && onlyStarter {
		return
	}
	if dir == "" {
		dir = s.a.Config.Dirs.Prompts()
	}
	if dir == "" {
		return // a service without a home
	}
	if o.diskBytes == 0 {
		o.diskBytes = defaultDisk
		if free, err := config.Free(existing(dir)); err == nil {
			o.diskBytes = min(defaultDisk, free/4)
		}
	}
	if o.diskBytes > 0 {
		o.diskFolder = dir
	}
}

// existing returns the nearest folder above a path that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
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
		if err := s.fits(src.Name); err != nil {
			return err
		}
	}
	if s.o.dir == "" {
		return nil
	}
	if err := checkFolder(s.o.dir); err != nil {
		return err
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
	path := f.Paths()[0]
	if err := f.Close(); err != nil {
		return library.Source{}, err
	}
	if ref != app.StarterName {
		src, err := library.FileSource(path)
		if path != ref && library.CheckName(ref) == nil && !strings.EqualFold(ref, src.Name) && filepath.Ext(ref) != ".gguf" {
			src.Aliases = []string{ref} // the name of a downloaded model
		}
		return src, err
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
	cfg := server.Config{
		Listen: s.o.listen, AllowOrigins: s.o.origins, MaxInFlight: s.o.maxInFlight, BodyLimit: s.o.bodyBytes, Log: s.log, Done: s.done,
		Auth: s.rule.auth,
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
	if s.main, err = server.New(cfg, append(s.dialects(), public)...); err != nil {
		return err
	}
	if s.o.adminListen == "" {
		return nil
	}
	private := admin.New(admin.Options{Backend: s.models, Metrics: s.metrics.Handler(), Draining: draining, Version: app.Version(), Profiles: true})
	s.admin, err = server.New(server.Config{Listen: s.o.adminListen, Log: s.log}, private)
	return err
}

// dialects are the APIs that are spoken. OpenAI's is the first: it answers
// for addresses that no other claims.
func (s *service) dialects() []server.API {
	b := server.Guard(s.models)
	ds := deepseek.New(b, deepseek.Options{Balances: s.rule.balances()})
	oo := ollama.Options{Library: s.models, Version: app.Version()}
	if dir := s.folder(); dir != "" {
		oo.Puller = NewPuller(s.a, dir)
	}
	return []server.API{openai.New(b, openai.Options{Delegate: ds.Delegate, Store: s.responseStore()}), anthropic.New(b, anthropic.Options{}), ds, ollama.New(b, oo)}
}

// responseStore keeps the responses that clients may go on from.
func (s *service) responseStore() openai.Store {
	front := openai.NewMemoryStore(1000, 64<<20)
	path := s.a.Config.Dirs.Responses()
	if path == "" || s.o.keepResponses == 0 {
		return front
	}
	limits := store.DefaultResponseLimits
	limits.Age = s.o.keepResponses
	s.responses = store.NewResponses(path, limits)
	return openai.NewKeptStore(front, s.responses, func(err error) { s.log.Warn("stored responses are in memory only", "error", err) })
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
	s.audit(store.EventStart, l.Addr().String())
	defer s.audit(store.EventStop, l.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return s.end()
}

// audit notes that the server runs, if anything is noted at all.
func (s *service) audit(event, addr string) {
	if s.store == nil {
		return
	}
	if err := s.store.Log(context.Background(), event, addr, app.Version()); err != nil {
		s.log.Warn("the audit log", "error", err)
	}
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
