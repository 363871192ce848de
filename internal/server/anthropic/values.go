package anthropic

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// randomID returns 24 characters that nobody can guess.
func randomID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// absent reports that an optional value was not given, or was null.
func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}

// object reads a JSON object of a known form below the field `at`. A field that
// the form does not have is an error that names it.
func object(raw json.RawMessage, dst any, at string, f decode.Fields) error {
	if len(raw) == 0 || raw[0] != '{' {
		return apierr.At(apierr.InvalidValue, at, "'%s' must be an object", at)
	}
	err := decode.JSON(raw, dst, f)
	var e *apierr.Error
	if !errors.As(err, &e) || e.Param == "" {
		return err
	}
	// The error knows the field from here on; the client wants to read where.
	c := *e
	c.Param = at + "." + e.Param
	c.Message = strings.Replace(e.Message, "'"+e.Param+"'", "'"+c.Param+"'", 1)
	return &c
}

// list reads a JSON array below the field `at`.
func list(raw json.RawMessage, at string) ([]json.RawMessage, error) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, apierr.At(apierr.InvalidValue, at, "'%s' must be an array", at)
	}
	var out []json.RawMessage
	err := decode.Value(raw, &out, at)
	return out, err
}

// typeOf reads the field "type" of an object, whatever else is in it.
func typeOf(raw json.RawMessage, at string) (string, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return "", apierr.At(apierr.InvalidValue, at, "'%s' must be an object", at)
	}
	var t struct {
		Type *string `json:"type"`
	}
	if err := decode.Value(raw, &t, at); err != nil {
		return "", err
	}
	if t.Type == nil {
		return "", apierr.Missing(at + ".type")
	}
	return *t.Type, nil
}
