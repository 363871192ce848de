package pull

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Plan is what is to be downloaded.
type Plan struct {
	Name    string
	Source  string // for people: where it comes from
	Licence string // as the source has it; may be empty
	Files   []File // of a split model all parts, in order
}

// A File is one file of a model.
type File struct {
	Path   string // below the folder of models, with slashes
	URL    string
	Size   int64  // bytes; 0 if the source did not say
	SHA256 string // "" if the source did not say
}

// Size returns the bytes of all files; 0 if that is not known.
func (p *Plan) Size() int64 {
	var n int64
	for _, f := range p.Files {
		if f.Size == 0 {
			return 0
		}
		n += f.Size
	}
	return n
}

// Find resolves a name to files. Nothing is downloaded.
func (c *Client) Find(ctx context.Context, name string) (*Plan, error) {
	r, err := Parse(name)
	if err != nil {
		return nil, err
	}
	var p *Plan
	switch r.Kind {
	case Hub:
		p, err = c.findHub(ctx, r)
	case Registry:
		p, err = c.findRegistry(ctx, r)
	case Address:
		p = &Plan{Name: r.Name, Source: r.URL, Files: []File{{Path: "files/" + r.File, URL: r.URL}}}
	}
	if err != nil {
		return nil, err
	}
	return p, c.check(p)
}

// check refuses a plan that would leave the folder of models, or fill the disk.
func (c *Client) check(p *Plan) error {
	var total int64
	for _, f := range p.Files {
		switch {
		case !safePath(f.Path) || !filepath.IsLocal(filepath.FromSlash(f.Path)):
			return fmt.Errorf("pull: %s: the file %.200q has a path that is not allowed", p.Name, f.Path)
		case f.SHA256 != "" && !goodSum(f.SHA256):
			return fmt.Errorf("pull: %s: the checksum of %s is %.100q, expected 64 hexadecimal digits", p.Name, f.Path, f.SHA256)
		case f.Size < 0 || f.Size > c.maxBytes() || total+f.Size > c.maxBytes():
			return fmt.Errorf("pull: %s: %s has %d bytes, more than the %d that are allowed", p.Name, f.Path, f.Size, c.maxBytes())
		}
		total += f.Size
	}
	if len(p.Files) == 0 {
		return fmt.Errorf("pull: %s: there is no file to download", p.Name)
	}
	return nil
}

func goodSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}

// hubRepo is what the Hub says about a repository.
type hubRepo struct {
	SHA      string `json:"sha"`
	CardData struct {
		License string `json:"license"`
	} `json:"cardData"`
	Siblings []hubFile `json:"siblings"`
}

type hubFile struct {
	Name string `json:"rfilename"`
	Size int64  `json:"size"`
	LFS  *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"lfs"`
}

var commit = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// findHub picks the files of a repository. The listing and the files are of the
// same commit, so that a repository that changes in between does no harm.
func (c *Client) findHub(ctx context.Context, r *Ref) (*Plan, error) {
	var repo hubRepo
	base := c.endpoint()
	if err := c.get(ctx, base+"/api/models/"+r.Owner+"/"+r.Repo+"?blobs=true", "application/json", &repo); err != nil {
		return nil, err
	}
	revision := "main"
	if commit.MatchString(repo.SHA) {
		revision = repo.SHA
	}
	files, err := choose(r, repo.Siblings)
	if err != nil {
		return nil, err
	}
	p := &Plan{Name: r.Name, Source: base + "/" + r.Owner + "/" + r.Repo, Licence: repo.CardData.License}
	for _, f := range files {
		out := File{Path: r.Owner + "/" + r.Repo + "/" + f.Name, URL: base + "/" + r.Owner + "/" + r.Repo + "/resolve/" + revision + "/" + escape(f.Name), Size: f.Size}
		if f.LFS != nil {
			out.Size, out.SHA256 = f.LFS.Size, strings.ToLower(f.LFS.SHA256)
		}
		p.Files = append(p.Files, out)
	}
	return p, nil
}

func escape(p string) string {
	fields := strings.Split(p, "/")
	for i, f := range fields {
		fields[i] = url.PathEscape(f)
	}
	return strings.Join(fields, "/")
}

var splitName = regexp.MustCompile(`(?i)^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// stem is what the parts of a model have in common.
func stem(name string) string {
	if m := splitName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return strings.TrimSuffix(name, path.Ext(name))
}

// choose picks one model of those in a repository.
func choose(r *Ref, all []hubFile) ([]hubFile, error) {
	models := map[string][]hubFile{}
	for _, f := range all {
		base := strings.ToLower(path.Base(f.Name))
		if strings.HasSuffix(base, ".gguf") && !strings.Contains(base, "mmproj") && !strings.Contains(base, "imatrix") {
			models[stem(f.Name)] = append(models[stem(f.Name)], f)
		}
	}
	names := make([]string, 0, len(models))
	for name := range models {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("pull: %s/%s has no GGUF file: look for a repository of the same model with \"GGUF\" in its name", r.Owner, r.Repo)
	}
	name, ok := pick(r, names)
	if !ok {
		return nil, &ChoiceError{Repo: r.Owner + "/" + r.Repo, Asked: or(r.File, r.Tag), Choices: choices(names, models)}
	}
	return parts(name, models[name])
}

// preferred is what is taken when nothing was said: the smallest that hardly
// loses anything first.
var preferred = []string{"Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q8_0"}

// pick finds the stem that was meant.
func pick(r *Ref, names []string) (string, bool) {
	if r.File != "" {
		want := stem(r.File)
		for _, n := range names {
			if n == want || path.Base(n) == want {
				return n, true
			}
		}
		return "", false
	}
	tags := []string{r.Tag}
	if r.Tag == "" || r.Tag == "latest" {
		if len(names) == 1 {
			return names[0], true
		}
		tags = preferred
	}
	for _, tag := range tags {
		var found []string
		for _, n := range names {
			if hasTag(n, tag) {
				found = append(found, n)
			}
		}
		if len(found) > 0 {
			return slices.MinFunc(found, func(a, b string) int { return len(a) - len(b) }), true
		}
	}
	return "", false
}

// hasTag reports that a file's name ends in a quantization: model-Q4_K_M or
// model.Q4_K_M, or that its folder is called so.
func hasTag(name, tag string) bool {
	name, tag = strings.ToLower(name), strings.ToLower(tag)
	base := path.Base(name)
	return base == tag || path.Base(path.Dir(name)) == tag ||
		strings.HasSuffix(base, "-"+tag) || strings.HasSuffix(base, "."+tag) || strings.HasSuffix(base, "_"+tag)
}

// parts checks that all parts of a model are there and puts them in order.
func parts(name string, files []hubFile) ([]hubFile, error) {
	slices.SortFunc(files, func(a, b hubFile) int { return strings.Compare(a.Name, b.Name) })
	m := splitName.FindStringSubmatch(files[0].Name)
	if m == nil {
		return files[:1], nil
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n != len(files) {
		return nil, fmt.Errorf("pull: %s should have %s parts, but the repository has %d", name, m[3], len(files))
	}
	return files, nil
}

// A ChoiceError says that a repository has several models, and none that was
// meant for sure.
type ChoiceError struct {
	Repo, Asked string
	Choices     []string
}

// Error lists what there is.
func (e *ChoiceError) Error() string {
	s := "pull: " + e.Repo + " has several models"
	if e.Asked != "" {
		s = fmt.Sprintf("pull: %s has no %.100q", e.Repo, e.Asked)
	}
	return s + "; name one of these behind a colon: " + strings.Join(e.Choices, ", ")
}

// choices describes what a repository has.
func choices(names []string, models map[string][]hubFile) []string {
	var out []string
	for _, n := range names {
		var size int64
		for _, f := range models[n] {
			if f.LFS != nil {
				size += f.LFS.Size
			} else {
				size += f.Size
			}
		}
		out = append(out, fmt.Sprintf("%s (%.1f GB)", path.Base(n), float64(size)/1e9))
	}
	return out
}

// A manifest is what Ollama's registry says about a model.
type manifest struct {
	Layers []struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	} `json:"layers"`
}

const (
	modelLayer   = "application/vnd.ollama.image.model"
	manifestType = "application/vnd.docker.distribution.manifest.v2+json"
)

// findRegistry finds the weights of a model of the registry. Its template and
// settings are left there: the file has its own.
func (c *Client) findRegistry(ctx context.Context, r *Ref) (*Plan, error) {
	base := c.registry() + "/v2/" + r.Owner + "/" + r.Repo
	var m manifest
	if err := c.get(ctx, base+"/manifests/"+r.Tag, manifestType, &m); err != nil {
		if se := (*StatusError)(nil); errors.As(err, &se) && se.Status == 404 {
			se.Hint = "the registry has no such model; models of Hugging Face are called hf.co/OWNER/REPO"
		}
		return nil, err
	}
	p := &Plan{Name: r.Name, Source: base + ":" + r.Tag}
	for _, l := range m.Layers {
		if l.MediaType != modelLayer {
			continue
		}
		sum, ok := strings.CutPrefix(l.Digest, "sha256:")
		if !ok || !goodSum(sum) {
			return nil, fmt.Errorf("pull: %s: the registry's digest is %.100q, expected sha256: and 64 hexadecimal digits", r.Name, l.Digest)
		}
		p.Files = append(p.Files, File{
			Path: "ollama/" + r.Owner + "/" + r.Repo + "-" + r.Tag + ".gguf", URL: base + "/blobs/sha256:" + sum, Size: l.Size, SHA256: sum,
		})
	}
	if len(p.Files) > 1 {
		return nil, fmt.Errorf("pull: %s has weights in %d files, which is not supported", r.Name, len(p.Files))
	}
	return p, nil
}
