package jinja

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// oracleExceptions are snippets where this engine differs on purpose.
var oracleExceptions = map[string]string{
	"{{ neg ** 0.5 }}":                         "complex numbers are not supported",
	"{{ '٣' | int }}|{{ '٣' | float }}":        "digits of other scripts are not converted",
	"{% for x, in [[1]] %}{{ x }}{% endfor %}": "the reference's compiler stumbles over a target of one",
	"{% raw %}": "the reference overlooks a raw tag left open at the very end",
}

// TestOracle compares with what Jinja2 made of many snippets; see
// testdata/oracle.py.
func TestOracle(t *testing.T) {
	var file struct {
		Context json.RawMessage
		Cases   []struct {
			T     string
			Out   *string
			Error string
		}
	}
	readJSON(t, filepath.Join("testdata", "oracle.json"), &file)
	ctx := parseDict(t, file.Context)
	for _, c := range file.Cases {
		if oracleExceptions[c.T] != "" {
			continue
		}
		checkEngineCase(t, engineCase{ID: "oracle", Template: c.T, Out: c.Out, Error: c.Error}, ctx)
	}
}
