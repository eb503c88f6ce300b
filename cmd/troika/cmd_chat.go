package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tokenizer/chat"
)

type chatOptions struct {
	model, system string
	speculate     int
	kv            kvType
	infer.ChatOptions
}

func newChatCmd(a *app) *cobra.Command {
	var o chatOptions
	cmd := &cobra.Command{
		Use:   "chat [--model MODEL]",
		Short: "Talk to a model in the terminal",
		Long: `Talk to a model in the terminal. Each line is a message; the conversation is kept.
An empty line is ignored, /new starts over, /quit or the end of input ends. After each
answer the number of its tokens and their speed are shown.`,
		Example: `  troika chat --model starter
  echo 'What does strings.Cut do?' | troika chat --max-tokens 50`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.chat(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.model, "model", starterName, "model or published name, or folder")
	f.StringVar(&o.system, "system", "", "system message")
	f.IntVar(&o.MaxTokens, "max-tokens", 512, "longest answer in tokens")
	f.Float64Var(&o.Sampling.Temperature, "temperature", 0, "randomness; 0 always takes the likeliest token")
	f.Float64Var(&o.Sampling.TopP, "top-p", 1, "draw from the likeliest tokens of this share")
	f.IntVar(&o.Sampling.TopK, "top-k", 0, "draw from this many of the likeliest tokens; 0 for all")
	f.Uint64Var(&o.Sampling.Seed, "seed", 0, "seed of the draws")
	speculateFlag(f, &o.speculate)
	kvFlag(f, &o.kv)
	return cmd
}

func (a *app) chat(ctx context.Context, o chatOptions) error {
	if err := o.Sampling.Check(); err != nil {
		return &usageError{err}
	}
	s, err := a.openPublished(ctx, o.model)
	if err != nil {
		return err
	}
	defer s.Close()
	engine, err := infer.New(s.dev, s.model, infer.Options{Context: s.bundle.Facts.MaxPositions, Sequences: 1, KV: o.kv.dtype, Speculate: o.speculate})
	if err != nil {
		return err
	}
	defer engine.Close()
	c := &infer.Chat{Bundle: s.bundle, Engine: engine, Slot: nn.NoAdapter, Share: "chat"}
	if s.lora != nil {
		c.Slot = 0
	}
	return a.converse(ctx, c, o)
}

// converse reads messages and answers them until the input or ctx ends.
func (a *app) converse(ctx context.Context, c *infer.Chat, o chatOptions) error {
	start := func() []chat.Message {
		if o.system == "" {
			return nil
		}
		return []chat.Message{{Role: "system", Content: o.system}}
	}
	messages := start()
	in := bufio.NewScanner(a.In)
	in.Buffer(nil, 1<<20)
	prompt := func() {
		if !a.JSON {
			_, _ = fmt.Fprint(a.Err, "> ")
		}
	}
	for prompt(); in.Scan(); prompt() {
		switch line := strings.TrimSpace(in.Text()); line {
		case "":
			continue
		case "/new":
			messages = start()
			continue
		case "/quit":
			return nil
		default:
			messages = append(messages, chat.Message{Role: "user", Content: line})
		}
		answer, err := a.answer(ctx, c, o, messages)
		if err != nil {
			return err
		}
		messages = append(messages, chat.Message{Role: "assistant", Content: answer})
	}
	return in.Err()
}

// answer streams one answer and shows its speed.
func (a *app) answer(ctx context.Context, c *infer.Chat, o chatOptions, messages []chat.Message) (string, error) {
	var text strings.Builder
	begin := time.Now()
	res, err := c.Answer(ctx, bundle.Conversation{Messages: messages, Now: begin}, o.ChatOptions, func(p infer.Piece) error {
		text.WriteString(p.Text)
		if a.JSON {
			return nil
		}
		_, err := fmt.Fprint(a.Out, p.Text)
		return err
	})
	seconds := time.Since(begin).Seconds()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return "", err
		}
		return "", fmt.Errorf("answer: %w", err)
	}
	if a.JSON {
		return text.String(), a.WriteJSON(map[string]any{
			"content": text.String(), "prompt_tokens": res.Prompt, "completion_tokens": res.Generated,
			"finish_reason": res.Finish, "seconds": seconds,
		})
	}
	_, _ = fmt.Fprintln(a.Out)
	_, _ = fmt.Fprintf(a.Err, "[%d + %d tokens, %.1f tokens/s]\n", res.Prompt, res.Generated, float64(res.Generated)/seconds)
	return text.String(), nil
}
