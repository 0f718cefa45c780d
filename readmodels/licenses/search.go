package licenses

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// scope is what a product or a plan narrows a list to.
type scope struct {
	column string
	ids    []string // at least one
}

// resolve checks a filter and finds the products and plans it means; possible is false when no licence can meet it.
func (q Queries) resolve(ctx context.Context, tenant string, filter Filter) (scopes []scope, possible bool, err error) {
	if filter.Status != "" && !slices.Contains([]string{Active, Suspended, Expired, Revoked}, filter.Status) {
		return nil, false, &store.InvalidQueryError{Parameter: "status", Rule: "must be ACTIVE, SUSPENDED, EXPIRED or REVOKED"}
	}
	if filter.Customer != "" && CaseFold(filter.Customer) == "" { // the key of people who were erased
		return nil, false, &store.InvalidQueryError{Parameter: "customer", Rule: "must be a name or an e-mail address"}
	}
	for _, by := range []struct{ column, table, idOrCode string }{
		{"product_id", "products", filter.Product},
		{"plan_id", "plans", filter.Plan},
	} {
		if by.idOrCode == "" {
			continue
		}
		var ids []string
		id, isID := store.ParseID(by.idOrCode)
		if ids, err = store.List(ctx, q.db, store.Scalar[string],
			"SELECT id FROM "+by.table+" WHERE tenant = $1 AND code = $2", tenant, by.idOrCode); err != nil {
			return nil, false, err
		}
		if isID {
			ids = append(ids, id)
		}
		if len(ids) == 0 {
			return nil, false, nil
		}
		scopes = append(scopes, scope{by.column, ids})
	}
	return scopes, true, nil
}

// candidates adds the conditions on customer and search. When a filter is met by few licences, found is a list of these that leads the
// join: an engine left alone may prefer to walk all licences in the order asked for. Its arguments must be the first.
func (q Queries) candidates(ctx context.Context, w *store.Where, tenant string, filter Filter, words []string, scopes []scope,
) (found string, err error) {
	leading := -1
	if filter.Customer != "" {
		// Only the key that can match is asked for, so that one index serves.
		column := "customer_name_key"
		if strings.Contains(filter.Customer, "@") {
			column = "customer_email_key"
		}
		found = "SELECT issued_position AS found FROM licenses WHERE tenant = " + w.Add(tenant) + " AND " + column + " = " +
			w.Add(CaseFold(filter.Customer))
	} else if leading, err = q.mostSelectiveWord(ctx, tenant, words); err != nil {
		return "", err
	} else if leading >= 0 {
		found = "SELECT DISTINCT issued_position AS found FROM license_words WHERE tenant = " + w.Add(tenant) +
			" AND word >= " + w.Add(words[leading]) + " AND word < " + w.Add(afterPrefix(words[leading]))
	} else if narrow, err := q.mostSelectiveScope(ctx, tenant, filter.Sort, scopes); err != nil {
		return "", err
	} else if narrow != nil {
		var few store.Where
		few.Arguments = w.Arguments
		few.Equal("tenant", tenant)
		few.OneOf(narrow.column, narrow.ids)
		w.Arguments = few.Arguments
		found = "SELECT issued_position AS found FROM licenses" + few.String()
	}
	for i, word := range words {
		if i != leading {
			w.And("words LIKE " + w.Add("% "+likeLiteral(word)+"%") + ` ESCAPE '\'`)
		}
	}
	if found == "" {
		return "", nil
	}
	w.And("issued_position = found")
	return "(" + found + ") AS few CROSS JOIN ", nil
}

// mostSelectiveScope returns the scope that fewest licences are in, nil when each holds selectivityLimit or more, or when indexes
// have the scopes in order.
func (q Queries) mostSelectiveScope(ctx context.Context, tenant string, sort Sort, scopes []scope) (narrow *scope, err error) {
	if sort == ByIssuedAt {
		return nil, nil
	}
	least := selectivityLimit
	for i, s := range scopes {
		var w store.Where
		w.Equal("tenant", tenant)
		w.OneOf(s.column, s.ids)
		query := "SELECT COUNT(*) FROM (SELECT 1 FROM licenses" + w.String() + " LIMIT " + w.Add(least) + ") AS counted"
		count, err := store.One(ctx, q.db, store.Scalar[int], query, w.Arguments...)
		if err != nil {
			return nil, err
		}
		if count < least {
			narrow, least = &scopes[i], count
		}
	}
	return narrow, nil
}

// selectivityLimit is the number of licences from which on a word, a product or a plan no longer leads the way to them: walking the list in
// order and looking at each licence is faster then.
const selectivityLimit = 5_000

// searchWords returns the words of a search, each to be the beginning of one of a licence's words. An empty text has none. A text without a
// word is refused: it would find every licence.
func searchWords(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var words []string
	for piece := range strings.FieldsSeq(CaseFold(text)) {
		if piece = shorten(strings.TrimFunc(piece, isMark)); piece != "" && !slices.Contains(words, piece) {
			words = append(words, piece)
		}
	}
	if len(words) == 0 || len(words) > MaxSearchWords || utf8.RuneCountInString(text) > MaxSearchLength {
		return nil, &store.InvalidQueryError{Parameter: "q", Rule: "must be 1 to 8 words of letters and digits, in at most 256 characters"}
	}
	return words, nil
}

// mostSelectiveWord returns the index of the word that fewest words of licences begin with, -1 when each begins words of
// selectivityLimit licences or more.
func (q Queries) mostSelectiveWord(ctx context.Context, tenant string, words []string) (int, error) {
	rarest, least := -1, selectivityLimit
	for i, word := range words {
		count, err := store.One(ctx, q.db, store.Scalar[int], `SELECT COUNT(*) FROM (SELECT 1 FROM license_words
			WHERE tenant = $1 AND word >= $2 AND word < $3 LIMIT $4) AS counted`, tenant, word, afterPrefix(word), least)
		if err != nil {
			return -1, err
		}
		if count < least {
			rarest, least = i, count
		}
	}
	return rarest, nil
}

// afterPrefix is greater, byte by byte, than every word that begins with the prefix: no word holds U+10FFFF.
func afterPrefix(prefix string) string { return prefix + string(unicode.MaxRune) }

func likeLiteral(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
