package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	plan          app.Plan
	listen        string
	parallel      int
	deterministic bool
	apiKey        string
	requireKey    bool
	dir           string
	memory        string
	keep          string
	disk          string
	diskSize      string
	bodyLimit     string
	origins       []string
	cert, key     string
	adminListen   string
	traces        string
	logLevel      string
	drain         time.Duration
	keepResponses time.Duration
	maxInFlight   int
	memoryBytes   int64
	diskBytes     int64
	bodyBytes     int64
	keepDuration  time.Duration
	diskFolder    string // "" keeps nothing on disk
	defaultFolder bool   // dir was not asked for
	byDefault     bool   // nothing was, and there is nothing but the starter
}

const serveHelp = `Serve models over HTTP to programs made for OpenAI's, Anthropic's, DeepSeek's or
Ollama's API: give them this server's address and change nothing else.

MODEL is the path of a GGUF file or "starter"; --models names a folder of files.
Without either, the folder of downloaded models is served if there are any, and
otherwise the starter. A model is loaded when it is first asked for, several at
once if the memory allows it, and unloaded when nobody has used it for a while.

On 127.0.0.1, where only programs of this machine can come from, no key is needed
unless --require-key says so. Any other address needs keys: those of
` + "`holdfast keys`" + `, or one fixed --api-key.

What was computed of prompts is kept on disk, so that a long prompt seen before is
not read again after a restart; --disk-cache off keeps nothing. The files hold
conversations and are for their owner alone.

Ctrl-C lets the answers that are being made finish; a second Ctrl-C does not.
Every flag can be set in the configuration file and the environment as well:
see ` + "`holdfast config`" + `.`

func newServe(a *app.App) *cobra.Command {
	o := serveOptions{logLevel: "info"}
	cmd := &cobra.Command{
		Use:   "serve [MODEL...]",
		Short: "Serve models over HTTP, for clients of OpenAI, Anthropic, DeepSeek and Ollama",
		Long:  serveHelp,
		Example: `  holdfast serve
  holdfast serve DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf --context 32768
  holdfast serve --models ~/models --memory 48GiB --listen 0.0.0.0:11435`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(); err != nil {
				return err
			}
			return serve(cmd.Context(), a, &o, args)
		},
	}
	planFlags(cmd, &o.plan)
	cmd.Flags().Lookup("context").Usage = "tokens of one request; 0 for what the model and the memory allow, at most 8192"
	o.addModelFlags(cmd)
	o.addNetFlags(cmd)
	return cmd
}

// addModelFlags adds what says which models are served with what.
func (o *serveOptions) addModelFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	intFlag(cmd, &o.parallel, "parallel", 0, 4096, "requests of full length that there is cache memory for; 0 for 4")
	f.StringVar(&o.dir, "models", "", "serve the GGUF files in `DIR` and below")
	f.StringVar(&o.memory, "memory", "", "most memory for all models, such as 24GiB; empty for what is free")
	f.StringVar(&o.keep, "keep-alive", "", "unload a model that was unused for this long, such as 30m; -1 for never (default: 30m, never for a single model)")
	f.StringVar(&o.disk, "disk-cache", "", "`DIR` that keeps what was computed of prompts; off for none (default: a folder in the user's cache, off for the starter alone)")
	f.StringVar(&o.diskSize, "disk-cache-size", "", "most that the folder holds, such as 16GiB (default: 8GiB, at most a quarter of what is free)")
}

// addNetFlags adds what says who may ask, and how.
func (o *serveOptions) addNetFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:11435", "`ADDRESS` and port to listen on")
	f.StringVar(&o.apiKey, "api-key", "", "one fixed `KEY` that lets requests in, for scripts; `holdfast keys` manages real ones")
	f.Lookup("api-key").Usage = "one fixed `KEY` that lets requests in, for scripts (holdfast keys manages real ones)"
	f.BoolVar(&o.deterministic, "deterministic", false, "the same tokens however a prompt was cut into pieces or found in the cache; slower prompts with DeepSeek-V2 and later")
	f.BoolVar(&o.requireKey, "require-key", false, "ask for a key on this machine's own addresses too")
	f.Var(&list{p: &o.origins}, "allow-origin", "web page that may use the server from a browser, such as https://chat.example.com; * for all (can be repeated)")
	f.StringVar(&o.cert, "tls-cert", "", "certificate `FILE` for https, in PEM")
	f.StringVar(&o.key, "tls-key", "", "key `FILE` of the certificate")
	f.StringVar(&o.adminListen, "admin-listen", "", "second `ADDRESS`, on this machine only, for metrics and profiles")
	f.StringVar(&o.traces, "otlp-endpoint", "", "`URL` that traces are sent to (OpenTelemetry, OTLP over HTTP), such as http://127.0.0.1:4318")
	choiceFlag(cmd, &o.logLevel, "log-level", []string{"debug", "info", "warn", "error"}, "what to log on standard error, as JSON lines")
	o.keepResponses = store.DefaultResponseLimits.Age
	timeFlag(cmd, &o.keepResponses, "keep-responses", "how long stored responses (OpenAI's Responses API) are kept on disk; 0 for in memory only, until the server ends")
	o.drain = 30 * time.Second
	timeFlag(cmd, &o.drain, "drain", "how long answers may go on after Ctrl-C")
	intFlag(cmd, &o.maxInFlight, "max-requests", 0, 1<<20, "requests at once, waiting ones included; 0 for 1024")
	f.StringVar(&o.bodyLimit, "body-limit", "", "longest body of a request (default 32MiB)")
}

// parse checks the flags that are texts.
func (o *serveOptions) parse() error {
	if (o.cert == "") != (o.key == "") {
		return &app.UsageError{Message: "--tls-cert and --tls-key belong together"}
	}
	for _, s := range []struct {
		flag, text string
		n          *int64
	}{{"memory", o.memory, &o.memoryBytes}, {"disk-cache-size", o.diskSize, &o.diskBytes}, {"body-limit", o.bodyLimit, &o.bodyBytes}} {
		n, err := parseBytes(s.text)
		if err != nil {
			return &app.UsageError{Message: fmt.Sprintf("--%s is %q, but must be a size such as 24GiB", s.flag, s.text)}
		}
		*s.n = n
	}
	var err error
	switch o.keep {
	case "":
	case "-1":
		o.keepDuration = -1
	default:
		if o.keepDuration, err = time.ParseDuration(o.keep); err != nil || o.keepDuration < 0 {
			return &app.UsageError{Message: fmt.Sprintf("--keep-alive is %q, but must be a time such as 30m, or -1", o.keep)}
		}
	}
	return o.checkNet()
}

// serve runs until the context ends, then lets answers finish.
func serve(ctx context.Context, a *app.App, o *serveOptions, args []string) error {
	s := newService(a, o)
	err := s.open(args)
	if err == nil {
		err = s.run(ctx)
	}
	return firstErr(err, s.close())
}
