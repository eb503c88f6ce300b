package train

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Money is an amount in millionths of a currency's unit.
type Money int64

// ParseMoney reads an amount such as 1.25, with at most six digits after the point.
func ParseMoney(text string) (Money, error) {
	whole, part, _ := strings.Cut(text, ".")
	digits := whole + part
	if len(part) > 6 || digits == "" || len(whole) > 12 || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no amount such as 1.25, with at most six digits after the point", text)
	}
	var m Money
	for _, d := range digits + strings.Repeat("0", 6-len(part)) {
		m = 10*m + Money(d-'0')
	}
	return m, nil
}

// String returns the amount as ParseMoney reads it.
func (m Money) String() string {
	s := fmt.Sprintf("%d.%06d", m/1e6, m%1e6)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// Price is what a machine costs.
type Price struct {
	Hour     Money  // of the machine
	KWh      Money  // of electricity, beside it
	Watts    int64  // of the machine at work
	Currency string // such as EUR
}

// Joules returns the energy of some time.
func (p Price) Joules(d time.Duration) int64 {
	return over(big.NewInt(p.Watts), d, big.NewInt(int64(time.Second)))
}

// Cost returns what some time costs, rounded up.
func (p Price) Cost(d time.Duration) Money {
	hour := big.NewInt(int64(time.Hour))
	// A thousand watts for an hour cost KWh.
	energy := new(big.Int).Mul(big.NewInt(p.Watts), big.NewInt(int64(p.KWh)))
	return Money(over(big.NewInt(int64(p.Hour)), d, hour) + over(energy, d, new(big.Int).Mul(hour, big.NewInt(1000))))
}

// over returns rate * d / unit, rounded up.
func over(rate *big.Int, d time.Duration, unit *big.Int) int64 {
	n := new(big.Int).Mul(rate, big.NewInt(int64(d)))
	n.Add(n, new(big.Int).Sub(unit, big.NewInt(1)))
	return n.Div(n, unit).Int64()
}
