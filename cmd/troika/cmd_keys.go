package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/serve"
)

// keysFile of --home holds the hashes of the API keys.
const keysFile = "keys.json"

func newKeysCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke the API keys of the server",
		Long: `Make, list and revoke the API keys of the server.

Once --home has keys, troika serve asks every client for one of them. Only their
hashes are kept. A running server follows changes within seconds.`,
		Example: `  troika keys create shop
  troika keys list
  troika keys revoke shop`,
	}
	cmd.AddCommand(newKeysCreateCmd(a), newKeysListCmd(a), newKeysRevokeCmd(a))
	return cmd
}

func newKeysCreateCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Make an API key and show its secret, once",
		Long: `Make an API key and show its secret, once.

The secret goes to the standard output alone, and is kept nowhere: a lost one is
revoked and made anew. NAME is for you, and stands in the server's log beside each
request.`,
		Example: `  troika keys create shop
  KEY=$(troika keys create shop)
  curl http://127.0.0.1:8080/v1/models -H "Authorization: Bearer $KEY"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.createKey(cmd.Context(), args[0]) },
	}
}

func newKeysListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the API keys by name",
		Example: `  troika keys list
  troika keys list --json`,
		RunE: func(*cobra.Command, []string) error { return a.listKeys() },
	}
}

func newKeysRevokeCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Refuse an API key from now on",
		Example: `  troika keys revoke shop`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.revokeKey(cmd.Context(), args[0]) },
	}
}

func (a *app) createKey(ctx context.Context, name string) error {
	if !plainName.MatchString(name) {
		return usagef("key name %q: want letters, digits, dots, dashes and underscores", name)
	}
	key, secret, err := serve.NewKey(name, time.Now().Truncate(time.Second))
	if err != nil {
		return err
	}
	err = a.changeKeys(ctx, func(keys []serve.Key) ([]serve.Key, error) {
		if indexKey(keys, name) >= 0 {
			return nil, fmt.Errorf("there is an API key %q already: choose another name, or revoke it first", name)
		}
		return append(keys, key), nil
	})
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"name": key.Name, "created": key.Created, "secret": secret})
	}
	if _, err := fmt.Fprintln(a.Out, secret); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Err, "API key %q: its secret is shown this once and kept nowhere\n", name)
	return err
}

func (a *app) listKeys() error {
	set, err := a.homeKeys()
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string][]serve.Key{"keys": set.Keys()})
	}
	if set.Len() == 0 {
		_, err := fmt.Fprintln(a.Err, "no API keys: troika serve asks for none")
		return err
	}
	t := term.NewTable(term.Column{Title: "NAME"}, term.Column{Title: "CREATED"})
	for _, k := range set.Keys() {
		t.Row(k.Name, k.Created.Format(time.RFC3339))
	}
	_, err = t.WriteTo(a.Out)
	return err
}

func (a *app) revokeKey(ctx context.Context, name string) error {
	left := 0
	err := a.changeKeys(ctx, func(keys []serve.Key) ([]serve.Key, error) {
		i := indexKey(keys, name)
		if i < 0 {
			return nil, noKey(keys, name)
		}
		left = len(keys) - 1
		return slices.Delete(keys, i, i+1), nil
	})
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"revoked": name, "left": left})
	}
	note := ""
	if left == 0 {
		note = "; none is left: the next troika serve asks for none"
	}
	_, err = fmt.Fprintf(a.Err, "API key %q revoked%s\n", name, note)
	return err
}

func indexKey(keys []serve.Key, name string) int {
	return slices.IndexFunc(keys, func(k serve.Key) bool { return k.Name == name })
}

func noKey(keys []serve.Key, name string) error {
	if len(keys) == 0 {
		return fmt.Errorf("no API key %q: there are none", name)
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	return fmt.Errorf("no API key %q: there are %s", name, strings.Join(names, ", "))
}

// keyFile is a file of API keys.
type keyFile struct {
	name string
	// optional says that a file which is not there holds no keys.
	optional bool
	// extra is a key that is not in the file, for as long as the file has keys.
	extra *serve.Key
}

// newKeyFile returns the named file, which must be there, or else that of a home
// folder.
func newKeyFile(home, name string) keyFile {
	if name != "" {
		return keyFile{name: name}
	}
	return keyFile{name: filepath.Join(home, keysFile), optional: true}
}

// homeKeys returns the keys of --home.
func (a *app) homeKeys() (*serve.KeySet, error) {
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	set, _, err := newKeyFile(home, "").read()
	return set, err
}

// read returns the keys, and the bytes they were read from.
func (f keyFile) read() (*serve.KeySet, []byte, error) {
	data, err := os.ReadFile(f.name)
	if f.optional && errors.Is(err, fs.ErrNotExist) {
		set, err := serve.NewKeySet(nil)
		return set, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read API keys: %w", err)
	}
	set, err := serve.ReadKeys(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if f.extra != nil && set.Len() > 0 {
		if set, err = serve.NewKeySet(append(slices.Clone(set.Keys()), *f.extra)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return set, data, nil
}

// follow hands the keys to the server whenever the file has changed from old,
// until ctx ends. While the file cannot be read, the last keys stay in force.
func (f keyFile) follow(ctx context.Context, a *app, server *serve.Server, old []byte) {
	const every = time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		set, data, err := f.read()
		if err != nil {
			if !failing {
				a.Log.Warn("API keys stay as they were", "error", err)
			}
			failing = true
			continue
		}
		failing = false
		if !bytes.Equal(data, old) {
			server.SetKeys(set)
			a.Log.Info("API keys changed", "keys", set.Len())
			old = data
		}
	}
}

// changeKeys replaces the keys of --home, one process at a time.
func (a *app) changeKeys(ctx context.Context, change func([]serve.Key) ([]serve.Key, error)) (err error) {
	home, err := a.Home()
	if err != nil {
		return err
	}
	file := newKeyFile(home, "")
	lock, err := fsx.Acquire(ctx, file.name+".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	set, _, err := file.read()
	if err != nil {
		return err
	}
	keys, err := change(slices.Clone(set.Keys()))
	if err != nil {
		return err
	}
	if set, err = serve.NewKeySet(keys); err != nil {
		return err
	}
	return fsx.Write(file.name, 0o600, set.Write)
}
