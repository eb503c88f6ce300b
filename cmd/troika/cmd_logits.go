package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/model"
)

func newLogitsCmd(a *app) *cobra.Command {
	var name string
	var ids []int32
	var everywhere bool
	cmd := &cobra.Command{
		Use:   "logits --model MODEL --ids 1,2,3",
		Short: "Show a model's logits for token ids",
		Long: `Show a model's logits for token ids: those of the last position, or of every
position with --all. They are the bits that training and serving compute.`,
		Example: `  troika logits --model starter --ids 1,2,3 --json
  troika logits --model starter --ids 1,2,3 --all --json`,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.open(name)
			if err != nil {
				return err
			}
			defer s.Close()
			if err := s.checkIDs(ids); err != nil {
				return &usageError{err}
			}
			rows, err := s.logits(ids)
			if err != nil {
				return err
			}
			if !everywhere {
				rows = rows[len(rows)-1:]
			}
			if a.JSON {
				return a.WriteJSON(map[string]any{"ids": ids, "logits": rows})
			}
			return a.showLogits(s, len(ids)-len(rows), rows)
		},
	}
	cmd.Flags().StringVar(&name, "model", starterName, "model name or folder")
	cmd.Flags().Int32SliceVar(&ids, "ids", nil, "token ids")
	cmd.Flags().BoolVar(&everywhere, "all", false, "every position, not only the last")
	_ = cmd.MarkFlagRequired("ids") // the flag above exists
	return cmd
}

// logits returns the logits of every position.
func (s *session) logits(ids []int32) (rows [][]float32, err error) {
	defer compute.Recover(&err)
	b := &model.Batch{}
	b.Sequence(ids, 0, nil)
	free, err := b.Upload(s.dev)
	if err != nil {
		return nil, err
	}
	defer free()
	o := compute.NewEager(s.dev)
	defer o.Close()
	y := s.model.Logits(o, b, s.model.Forward(o, b, nil))
	return slices.Collect(slices.Chunk(compute.Floats(s.dev, y), y.Shape[1])), nil
}

// showLogits lists the likeliest tokens of each row.
func (a *app) showLogits(s *session, first int, rows [][]float32) error {
	const most = 10
	for i, row := range rows {
		order := make([]int32, len(row))
		for j := range order {
			order[j] = int32(j)
		}
		slices.SortStableFunc(order, func(x, y int32) int {
			switch {
			case row[x] > row[y]:
				return -1
			case row[x] < row[y]:
				return 1
			}
			return 0
		})
		if _, err := fmt.Fprintf(a.Out, "position %d\n", first+i); err != nil {
			return err
		}
		for _, id := range order[:min(most, len(order))] {
			if _, err := fmt.Fprintf(a.Out, "  %8.3f  %6d  %q\n", row[id], id, s.bundle.Tokenizer.Bytes(id)); err != nil {
				return err
			}
		}
	}
	return nil
}
