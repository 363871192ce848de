package openai

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// randomID returns 24 characters that nobody can guess.
func randomID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// callID names a call that the model left unnamed.
func (a *API) callID(index int) string {
	return fmt.Sprintf("call_%02d_%s", index, a.o.NewID())
}
