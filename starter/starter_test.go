package starter

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestFileIsThePublishedOne(t *testing.T) {
	sum := sha256.Sum256(Data())
	if got := hex.EncodeToString(sum[:]); got != SHA256 {
		t.Fatalf("sha256 of %s is %s, want %s", File, got, SHA256)
	}
}
