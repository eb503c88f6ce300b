package extract

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// kinds is a set of kinds.
type kinds uint32

// The kinds of elements, from their names, roles and class and id words.
const (
	kindComment kinds = 1 << iota
	kindNav
	kindFoot
	kindHead
	kindSide
	kindRelated
	kindShare
	kindAd
	kindMeta
	kindCaption
	kindPopup
	kindBox
	kindContent
	kindArticle
	kindTitle
	kindHidden
	kindTags
	kindList
	kindIntro
	kindProduct
	kindColumn
	kindPrimary

	kindCount = 22
)

// stems are searched for anywhere in a class or id word of at least their
// length; "=" in front asks for the whole word. They are the words that
// designers of sites use, in English and German for the most part.
var stems = []struct {
	kinds kinds
	words string
}{
	{kindComment, "comment disqus =reply =replies respond kommentar diskussion discussion commentaire livefyre commento pinglun pingback trackback reviews"},
	{kindNav, "nav =menu menu- -menu mainmenu submenu menubar menuitem breadcrumb crumb pagination =pager paging pagenum sitemap =toc skip jump =tabs topbar toolbar prevnext backlink"},
	{kindFoot, "foot copyright colophon impressum imprint =legal disclaimer"},
	{kindHead, "=header pageheader siteheader site-header masthead banner =logo branding =top pagehead page-header"},
	{kindSide, "sidebar =side aside =rail leftcol rightcol left-col right-col secondary tertiary marginal seite_rechts"},
	{kindRelated, "related recommend similar suggest popular trending latest recent teaser =also verwandt aehnlich =next =prev =previous outbrain taboola =more readmore read-more weiterlesen mostread most- moreon more- topstories headlines xiangguan tuijian"},
	{kindShare, "share social sharing facebook twitter =like =likes follow =sns addthis addtoany whatsapp bookmark flattr jiathis fenxiang sharedaddy"},
	{kindAd, "=ad =ads advert sponsor promo werbung anzeige =adv affiliate adsense adbox ad-slot ad_ =ad1 guanggao =shop donat"},
	{kindMeta, "meta byline author =date datum =time timestamp publish posted postinfo =info =infos credit =source vcard =bio =by pubdate updated details dateline autor"}, //nolint:misspell // German, Spanish
	{kindCaption, "caption figure image =img photo gallery media video slideshow bild thumb picture"},
	{kindPopup, "cookie popup modal overlay consent gdpr newsletter subscri signup login register search =form formular paywall =abo premium contact kontakt alert notice message warning hinweis"},
	{kindBox, "widget =box infobox module portlet panel accordion =card =cards =grid carousel slider"},
	{kindContent, "content =main =body inhalt maincol main_ main- zhengwen =primary neirong"},
	{kindArticle, "article =post =entry story =text beitrag artikel postbody post-body post_body entry-content entrycontent post-content textbody bodytext fliesstext richtext rich-text copy hentry =blog mainbody wenzhang"},
	{kindTitle, "title headline heading =head titel ueberschrift biaoti"},
	{kindHidden, "hidden =hide invisible sr-only screenreader screen-reader visually noprint no-print print-only"},
	{kindTags, "=tag =tags taglist tag- tags- -tags tagcloud category categories kategorie keyword =cat =cats topics schlagw"},
	{kindList, "=list listing =items index archive liste results =item"},
	{kindIntro, "lead intro subtitle summary excerpt abstract standfirst vorspann teasertext dek =description kicker"},
	{kindProduct, "product price cart checkout produkt preis warenkorb rating bewertung"},
	{kindColumn, "=left =right =col =column spalte =marg right_ left_ -left -right"},
	{kindPrimary, "entry-content entrycontent post-content post_content postbody post-body article-body articlebody article__body article-content article__content article-text articletext article_text story-body storybody body-content bodytext content-body main-content maincontent main-content-inner richtext rich-text wysiwyg page-content fliesstext contenttext field-name-body field--name-body textbody text-content"},
}

type stem struct {
	kinds kinds
	word  string
	whole bool
}

// stemsAt holds the stems by a hash of their first two bytes.
var stemsAt = func() (list [1024][]stem) {
	for _, s := range stems {
		for w := range strings.FieldsSeq(s.words) {
			word, whole := strings.CutPrefix(w, "=")
			slot := pair(word[0], word[1])
			list[slot] = append(list[slot], stem{s.kinds, word, whole})
		}
	}
	return list
}()

func pair(a, b byte) int { return int(a&31)<<5 | int(b&31) }

// kinds returns what the element's name and attributes say, and a hash of its
// name and class that tells repeated elements.
func (b *builder) kinds(t *tag) (kinds, uint32) {
	k := byName[t.atom] | b.words(t.attrs.class) | b.words(t.attrs.id) |
		roles[t.attrs.role] | properties[t.attrs.itemprop]
	sign := hash(uint32(t.atom)^t.name, t.attrs.class)
	if rel := t.attrs.rel; rel == "tag" || rel == "category tag" {
		k |= kindTags
	}
	if t.attrs.hidden || t.attrs.ariaHidden {
		k |= kindHidden
	}
	if t.attrs.style != "" {
		style := strings.ReplaceAll(t.attrs.style, " ", "")
		if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
			k |= kindHidden
		}
	}
	return k, sign
}

var byName = map[atom.Atom]kinds{
	atom.Nav: kindNav, atom.Menu: kindNav, atom.Footer: kindFoot, atom.Header: kindHead, atom.Aside: kindSide,
	atom.Form: kindPopup, atom.Figure: kindCaption, atom.Figcaption: kindCaption, atom.Noscript: kindHidden,
	atom.Time: kindMeta, atom.Main: kindContent, atom.Article: kindArticle,
}

var roles = map[string]kinds{
	"navigation": kindNav, "menu": kindNav, "menubar": kindNav, "banner": kindHead, "contentinfo": kindFoot,
	"complementary": kindSide, "search": kindPopup, "dialog": kindPopup, "alert": kindPopup,
	"main": kindContent, "article": kindArticle,
}

var properties = map[string]kinds{
	"articleBody": kindArticle | kindContent | kindPrimary, "blogPost": kindArticle, "text": kindArticle, "mainEntityOfPage": kindArticle,
	"comment": kindComment, "author": kindMeta, "datePublished": kindMeta, "headline": kindTitle, "name": kindTitle,
	"description": kindIntro, "caption": kindCaption, "keywords": kindTags, "offers": kindProduct,
	"softwareHelp": kindArticle | kindContent | kindPrimary,
}

// mostNames bounds the words of class and id attributes that a page may use.
const mostNames = 1 << 14

// words returns the kinds that a class or id attribute names.
func (b *builder) words(s string) kinds {
	const mostWords, mostBytes = 16, 64
	var k kinds
	n := 0
	for w := range strings.FieldsSeq(s) {
		if n++; n > mostWords {
			break
		}
		if len(w) > mostBytes {
			continue
		}
		of, ok := b.names[w]
		if !ok && len(b.names) < mostNames {
			of = kindsOf(strings.ToLower(w))
			b.names[w] = of
		}
		k |= of
	}
	return k
}

// kindsOf looks for all stems in one lower-case word.
func kindsOf(w string) kinds {
	var k kinds
	for i := range len(w) - 1 {
		for _, s := range stemsAt[pair(w[i], w[i+1])] {
			if k&s.kinds == 0 && strings.HasPrefix(w[i:], s.word) && (!s.whole || isPart(w, i, i+len(s.word))) {
				k |= s.kinds
			}
		}
	}
	return k
}

// isPart reports a part of w that hyphens, underscores and digits separate.
func isPart(w string, from, to int) bool {
	return (from == 0 || !isLower(w[from-1])) && (to == len(w) || !isLower(w[to]))
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// hash is FNV-1a.
func hash(h uint32, s string) uint32 {
	h ^= 2166136261
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
