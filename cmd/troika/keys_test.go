package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// errSeen ends the server of a test that has seen what it wanted.
var errSeen = errors.New("seen")

// A running server follows keys that are made and revoked, and does not fall open
// when the last one goes.
func TestKeysWhileServing(t *testing.T) {
	home := t.TempDir()
	keys := func(args ...string) string {
		var out bytes.Buffer
		a := &app{In: strings.NewReader(""), Out: &out, Err: io.Discard, Getenv: os.Getenv}
		if code := run(t.Context(), a, append([]string{"keys", "--home", home}, args...)); code != 0 {
			t.Errorf("keys %v: exit code %d", args, code)
		}
		return strings.TrimSpace(out.String())
	}
	shop := keys("create", "shop")
	a := &app{Err: io.Discard, Getenv: os.Getenv, home: home}
	if err := a.setup(); err != nil {
		t.Fatal(err)
	}
	o := serveOptions{listen: "127.0.0.1:0", models: []string{starterName}}
	err := a.serve(t.Context(), o, func(url string) error {
		for _, step := range []struct {
			secret string
			change func()
			want   int
		}{
			{"", nil, http.StatusUnauthorized},
			{"troika-wrong", nil, http.StatusUnauthorized},
			{shop, nil, http.StatusOK},
			{shop, func() { keys("revoke", "shop") }, http.StatusUnauthorized},
			{"", nil, http.StatusUnauthorized},
		} {
			if step.change != nil {
				step.change()
			}
			if err := eventually(t.Context(), url+"/v1/models", step.secret, step.want); err != nil {
				return err
			}
		}
		if secret := keys("create", "clinic"); secret != "" {
			if err := eventually(t.Context(), url+"/v1/models", secret, http.StatusOK); err != nil {
				return err
			}
		}
		return errSeen
	})
	if !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(home, keysFile))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the file of keys: %v", mode)
	}
}

// eventually asks until the answer has the status, for a minute at the most.
func eventually(ctx context.Context, url, secret string, want int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if secret != "" {
			req.Header.Set("Authorization", "Bearer "+secret)
		}
		res, err := newClient().Do(req)
		if err != nil {
			return fmt.Errorf("want status %d: %w", want, err)
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("status %d, want %d", res.StatusCode, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
