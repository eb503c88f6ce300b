package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
	"github.com/troikaml/troika/store"
)

// published puts what is published in front of a server's models, as it changes.
type published struct {
	*app
	aliases *publish.Aliases
	engine  *local.Engine
	bases   map[string]string        // folders of the bases that are served
	holds   map[string]troika.Digest // what models were when the engine took them
	last    []publish.Alias          // as recorded
	now     []publish.Alias          // as served
}

// newPublished opens the record of what is published, for the models of an engine.
func (a *app) newPublished(ctx context.Context, db *store.DB, engine *local.Engine, bases map[string]string) (*published, error) {
	p := &published{app: a, engine: engine, bases: bases, holds: map[string]troika.Digest{}}
	var err error
	if p.aliases, err = publish.Open(ctx, db); err != nil {
		return nil, err
	}
	for _, m := range engine.Models() {
		if err := p.hold(m.ID); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// hold notes what a model is.
func (p *published) hold(name string) error {
	ref, err := p.resolveModel(name)
	if err != nil {
		return err
	}
	p.holds[name], err = ref.digest()
	return err
}

// refresh hands the aliases to the server where they have changed. One whose new
// release cannot be served stays as it was.
func (p *published) refresh(ctx context.Context, server *serve.Server) error {
	all, err := p.aliases.List(ctx)
	if err != nil {
		return err
	}
	if slices.EqualFunc(all, p.last, func(a, b publish.Alias) bool { return a.Name == b.Name && a.Updated.Equal(b.Updated) }) {
		return nil
	}
	p.last = all
	var now []publish.Alias
	for _, alias := range all {
		if err := p.ready(&alias); err != nil {
			p.Log.Warn("alias stays as it was", "alias", alias.Name, "error", err)
			i := slices.IndexFunc(p.now, func(old publish.Alias) bool { return old.Name == alias.Name })
			if i < 0 {
				continue
			}
			alias = p.now[i]
		}
		now = append(now, alias)
	}
	p.now = now
	server.SetAliases(now)
	p.Log.Info("aliases changed", "aliases", len(now))
	return nil
}

// openPublished loads the model that answers under a name: the current release of an
// alias, which hides a model of the same name, or the model. Close the session when done.
func (a *app) openPublished(ctx context.Context, name string) (*session, error) {
	r, err := a.currentRelease(ctx, name)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return a.open(name)
	}
	ref, err := a.resolveRelease(r)
	if err != nil {
		return nil, fmt.Errorf("alias %s: release %d: %w", name, r.Number, err)
	}
	a.Log.Info("alias", "name", name, "release", r.Number, "model", r.Model)
	return a.load(ref)
}

// currentRelease returns what answers under a name, or nil where the name is no alias
// or has only a trial.
func (a *app) currentRelease(ctx context.Context, name string) (*publish.Release, error) {
	home, err := a.Home()
	if err != nil || name == starterName || !exists(filepath.Join(home, databaseFile)) {
		return nil, err // looking makes no record, and no alias can be called starter
	}
	var now publish.Alias
	err = a.withAliases(ctx, func(ctx context.Context, aliases *publish.Aliases) (err error) {
		now, err = aliases.Get(ctx, name)
		return err
	})
	if errors.Is(err, publish.ErrNoAlias) {
		return nil, nil //nolint:nilnil // no release is no mistake
	}
	return now.Current, err
}

// resolveRelease finds the model of a release, and refuses one that is no longer what
// was judged.
func (a *app) resolveRelease(r *publish.Release) (modelRef, error) {
	ref, err := a.resolveModel(r.Model)
	if err != nil {
		return modelRef{}, err
	}
	have, err := ref.digest()
	if err != nil {
		return modelRef{}, err
	}
	if have != r.Digest {
		return modelRef{}, notJudged(r, have)
	}
	return ref, nil
}

func notJudged(r *publish.Release, have troika.Digest) error {
	return fmt.Errorf("%s is not what was judged: it is %s, and %s was published", r.Model, have, r.Digest)
}

// ready makes sure that the engine has an alias's releases, as they were judged.
func (p *published) ready(alias *publish.Alias) error {
	for _, r := range []*publish.Release{alias.Current, alias.Canary} {
		if r == nil {
			continue
		}
		if err := p.offer(r); err != nil {
			return fmt.Errorf("release %d: %w", r.Number, err)
		}
	}
	return nil
}

func (p *published) offer(r *publish.Release) error {
	served := slices.ContainsFunc(p.engine.Models(), func(m serve.ModelInfo) bool { return m.ID == r.Model })
	if _, noted := p.holds[r.Model]; !noted {
		if err := p.hold(r.Model); err != nil {
			return err
		}
	}
	if have := p.holds[r.Model]; have != r.Digest {
		if !served {
			delete(p.holds, r.Model) // it may be put right on the disk
		}
		return notJudged(r, have)
	}
	if served {
		return nil
	}
	ref, err := p.resolveModel(r.Model)
	if err != nil {
		return err
	}
	dir, ok := p.bases[ref.Base]
	if !ok || ref.Adapter == "" {
		return fmt.Errorf("%s needs the base %s, which this server does not serve", r.Model, ref.Base)
	}
	base, err := tunedOn(ref)
	if err != nil {
		return err
	}
	return p.engine.Offer(local.Tuned{
		Name: r.Model, Dir: ref.Adapter, Parent: ref.Base, BaseDir: dir, Base: base, Created: r.Created,
	})
}

// tunedOn returns the base that an adapter names in its provenance; an adapter without
// one fits the base that it is found with.
func tunedOn(ref modelRef) (troika.Digest, error) {
	made, err := readProvenance(ref.Adapter)
	if err == nil && !made.BaseSHA.IsZero() {
		return made.BaseSHA, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return troika.Digest{}, err
	}
	return modelRef{Dir: ref.Dir}.digest()
}

// follow keeps a server at what is published, until ctx ends. While the record cannot
// be read, the last aliases stay in force.
func (p *published) follow(ctx context.Context, server *serve.Server) {
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
		err := p.refresh(ctx, server)
		if err != nil && !failing && ctx.Err() == nil {
			p.Log.Warn("aliases stay as they were", "error", err)
		}
		failing = err != nil
	}
}
