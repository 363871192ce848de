package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/server"
)

// checkNet refuses addresses and names that no client could use.
func (o *serveOptions) checkNet() error {
	if err := checkAddress("listen", o.listen); err != nil {
		return err
	}
	if o.adminListen != "" {
		if !server.IsLoopback(o.adminListen) {
			return &app.UsageError{Message: fmt.Sprintf("--admin-listen is %s, but must be an address of this machine only, such as 127.0.0.1:11436", o.adminListen)}
		}
		if err := checkAddress("admin-listen", o.adminListen); err != nil {
			return err
		}
	}
	for _, origin := range o.origins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
			return &app.UsageError{Message: fmt.Sprintf("--allow-origin is %q, but must be the beginning of a page's address, such as https://chat.example.com, or *", origin)}
		}
	}
	if strings.ContainsFunc(o.apiKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &app.UsageError{Message: "--api-key has a space or another character that no header can carry; use letters, digits and punctuation"}
	}
	return nil
}

func checkAddress(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		if n, perr := strconv.Atoi(port); perr == nil && n >= 0 && n <= 65535 {
			return nil
		}
	}
	return &app.UsageError{Message: fmt.Sprintf("--%s is %q, but must be an address and a port from 0 to 65535, such as 127.0.0.1:11435", flag, addr)}
}

// listen says what is wrong with an address in words for people.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	var dns *net.DNSError
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &app.UsageError{Message: addr + " is in use by another program, maybe another holdfast", Hint: "choose another address with --listen, such as 127.0.0.1:0 for any free port; `holdfast ps` asks a server what it runs"}
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &dns):
		return nil, &app.UsageError{Message: addr + " is no address of this machine", Hint: "127.0.0.1 is for programs of this machine, 0.0.0.0 for all that can reach it"}
	case errors.Is(err, syscall.EACCES):
		return nil, &app.UsageError{Message: "this user may not listen on " + addr, Hint: "ports below 1024 are the system's; choose another with --listen"}
	}
	return nil, &app.UsageError{Message: err.Error(), Hint: "choose another address with --listen"}
}

// checkFolder makes sure that there is a folder of models.
func checkFolder(dir string) error {
	i, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &app.UsageError{Message: "--models: there is no folder " + dir, Hint: "make it first: models may be put into it while the server runs"}
	case err != nil:
		return &app.UsageError{Message: "--models: " + app.Text(err)}
	case !i.IsDir():
		return &app.UsageError{Message: "--models: " + dir + " is a file, expected a folder", Hint: "a single model is named without the flag: holdfast serve " + dir}
	}
	return nil
}

// fits refuses a model that was asked for by name and could never be loaded:
// whoever starts the server should know, not who first asks it.
func (s *service) fits(name string) error {
	i, err := s.models.Info(name)
	if err != nil || i.Description == nil {
		return nil // loading it says what is wrong
	}
	cache := i.PerToken * int64(i.Context) * int64(s.o.parallel)
	limit := s.limit()
	// A context that nobody asked for is shortened when the model is loaded.
	if limit == 0 || i.Base+cache <= limit || s.o.plan.Context == 0 && i.Base < limit {
		return nil
	}
	most := max(0, limit-i.Base) / max(1, i.PerToken*int64(s.o.parallel))
	return &app.FitError{
		Err: fmt.Errorf("%s needs %s of memory (%s and a cache of %s: --parallel %d requests of --context %d tokens), but there are %s",
			name, bytesText(i.Base+cache), bytesText(i.Base), bytesText(cache), s.o.parallel, i.Context, bytesText(limit)),
		Hint: fitHint(i.Base, limit, most),
	}
}

func fitHint(base, limit, most int64) string {
	if base >= limit || most < 1 {
		return "the model alone does not fit: `holdfast inspect MODEL` says what it needs"
	}
	return fmt.Sprintf("%d tokens would fit: a smaller --context or --parallel, or --kv-type q8_0, needs less", most)
}

// limit is the memory that all models may take.
func (s *service) limit() int64 {
	if s.o.memoryBytes > 0 {
		return s.o.memoryBytes
	}
	return mem.Budget().Usable()
}
