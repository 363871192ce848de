package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowReader checks that a client that does not read is given up, and that
// its deadline does not hit the next request of a connection.
func TestSlowReader(t *testing.T) {
	done := make(chan error, 1)
	big := bytes.Repeat([]byte("x"), 64<<20) // more than sockets buffer
	s := newServer(t, Config{WriteTimeout: 50 * time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) error {
		err := WriteRaw(w, 200, big)
		done <- err
		return err
	})
	url, ended := listening(t, s)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /custom HTTP/1.1\r\nHost: localhost\r\n\r\n")
	select {
	case err := <-done:
		if err == nil {
			t.Error("everything was written to a client that reads nothing")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the handler still writes")
	}
	for range 3 { // one connection, with more than the timeout between requests
		resp, err := http.Get(url + "/who")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "\"\"\n" {
			t.Errorf("%q %v", b, err)
		}
		resp.Body.Close()
		time.Sleep(80 * time.Millisecond)
	}
	if err := errors.Join(s.Shutdown(context.Background()), <-ended); err != nil {
		t.Error(err)
	}
}
