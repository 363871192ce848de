package pull

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// A Kind says where a model comes from.
type Kind uint8

// The kinds of places.
const (
	Hub      Kind = iota // a repository of Hugging Face, or of a mirror
	Address              // the address of a file
	Registry             // Ollama's registry
)

// A Ref is a name that was understood.
type Ref struct {
	Kind Kind
	Name string // as a model is called that comes from there
	// Owner and Repo are the Hub's or the Registry's.
	Owner, Repo string
	// Tag is a quantization such as Q4_K_M, or the Registry's tag; may be empty.
	Tag string
	// File is the path of a file in the repository; may be empty.
	File string
	URL  string // for Address
}

// A NameError says that a name cannot be understood.
type NameError struct{ Name, Why string }

// Error tells what is wrong and which forms there are.
func (e *NameError) Error() string {
	return fmt.Sprintf("pull: %.200q %s; expected hf.co/OWNER/REPO:QUANT, hf:OWNER/REPO/FILE.gguf, https://HOST/FILE.gguf, or a name of Ollama's registry such as deepseek-r1:1.5b", e.Name, e.Why)
}

var (
	part    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	tagText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	segment = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+ -]{0,199}$`)
)

// hubPrefixes are the ways to say that a name is the Hub's.
var hubPrefixes = []string{"hf.co/", "huggingface.co/", "hf:", "https://hf.co/", "https://huggingface.co/"}

// Parse understands the name of a model to download.
func Parse(name string) (*Ref, error) {
	for _, p := range hubPrefixes {
		if rest, ok := cutPrefixFold(name, p); ok {
			return parseHub(name, rest)
		}
	}
	if strings.Contains(name, "://") {
		return parseAddress(name)
	}
	return parseRegistry(name)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// parseHub reads OWNER/REPO, OWNER/REPO:QUANT, OWNER/REPO/FILE, and the address
// that a browser shows for a file.
func parseHub(name, rest string) (*Ref, error) {
	rest, _, _ = strings.Cut(rest, "?")
	rest, tag, tagged := strings.Cut(strings.Trim(rest, "/"), ":")
	fields := strings.SplitN(rest, "/", 3)
	if len(fields) < 2 || !part.MatchString(fields[0]) || !part.MatchString(fields[1]) {
		return nil, &NameError{name, "names no repository"}
	}
	r := &Ref{Kind: Hub, Owner: fields[0], Repo: fields[1], Tag: tag}
	if tagged && !tagText.MatchString(tag) {
		return nil, &NameError{name, "has no quantization behind the colon"}
	}
	if len(fields) == 3 {
		r.File = fields[2]
		for _, p := range []string{"resolve/main/", "blob/main/", "tree/main/"} {
			r.File = strings.TrimPrefix(r.File, p)
		}
		if !safePath(r.File) || !strings.HasSuffix(strings.ToLower(r.File), ".gguf") {
			return nil, &NameError{name, "names no .gguf file of the repository"}
		}
	}
	if strings.EqualFold(path.Ext(tag), ".gguf") {
		r.File, r.Tag = tag, ""
	}
	r.Name = "hf.co/" + r.Owner + "/" + r.Repo
	switch {
	case r.File != "":
		r.Name += ":" + strings.ReplaceAll(strings.TrimSuffix(r.File, path.Ext(r.File)), "/", "-")
	case r.Tag != "" && r.Tag != "latest":
		r.Name += ":" + r.Tag
	}
	r.Name = strings.ReplaceAll(r.Name, " ", "-")
	return r, nil
}

// safePath reports that a path with slashes has nothing in it that leads
// elsewhere, hides, or means something to a file system.
func safePath(p string) bool {
	for s := range strings.SplitSeq(p, "/") {
		if !segment.MatchString(s) || strings.HasSuffix(s, ".") || strings.HasSuffix(s, " ") {
			return false
		}
	}
	return len(p) <= 400
}

func parseAddress(name string) (*Ref, error) {
	u, err := url.Parse(name)
	if err != nil {
		return nil, &NameError{name, "is no address"}
	}
	if err := allowed(u); err != nil {
		return nil, &NameError{name, err.Error()}
	}
	file := path.Base(u.Path)
	if u.User != nil {
		return nil, &NameError{name, "has a password in it, which would be kept in files and logs"}
	}
	if !safePath(file) || !strings.EqualFold(path.Ext(file), ".gguf") {
		return nil, &NameError{name, "does not end in the name of a .gguf file"}
	}
	stem := strings.ReplaceAll(strings.TrimSuffix(file, path.Ext(file)), " ", "-")
	return &Ref{Kind: Address, Name: stem, File: file, URL: u.String()}, nil
}

// allowed says which addresses may be asked: https, and http on this machine.
func allowed(u *url.URL) error {
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("is no https address: what comes over http can be changed on the way")
	}
	return fmt.Errorf("is no https address")
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// parseRegistry reads NAME, NAME:TAG and OWNER/NAME:TAG.
func parseRegistry(name string) (*Ref, error) {
	rest, tag, tagged := strings.Cut(name, ":")
	for _, p := range []string{"registry.ollama.ai/", "ollama.com/"} {
		rest = strings.TrimPrefix(rest, p)
	}
	owner, repo, two := strings.Cut(rest, "/")
	if !two {
		owner, repo = "library", rest
	}
	if !part.MatchString(owner) || !part.MatchString(repo) || tagged && !tagText.MatchString(tag) {
		return nil, &NameError{name, "is no name of a model"}
	}
	if tag == "" {
		tag = "latest"
	}
	r := &Ref{Kind: Registry, Owner: owner, Repo: repo, Tag: tag, Name: repo + ":" + tag}
	if owner != "library" {
		r.Name = owner + "/" + r.Name
	}
	return r, nil
}
