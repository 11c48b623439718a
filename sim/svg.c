/* svg: a world as a picture that a person can read.

       window   an area: bytes asked for, held or in insertion
       links    an area: links held
       sections an area
       chain    an area: blocks inserted
       peer 1   a lane for each peer, a bar for each request, from when it was
       peer 2   asked until the answer came; bars that overlap stand below each
                other; a mark for each blame

   Time runs from left to right, in seconds, until the due chain is ours. The
   green line is T_min after the chain was there to be had. */
#include <inttypes.h>
#include <string.h>

#include "command.h"

#define WIDTH 1280
#define LEFT  190
#define RIGHT 24
#define TOP   66
#define PLOT  74
#define BAR   7 /* height of a bar */
#define ROWS  6 /* of bars in a lane, at most */
#define TICKS 8 /* about */

struct canvas {
    FILE *f;
    const struct sim *s;
    bp_time end;
    int y;
};

static double x_of(const struct canvas *c, bp_time t) {
    if (t > c->end) t = c->end;
    return LEFT + (double)t * (WIDTH - LEFT - RIGHT) / (double)c->end;
}

/* ---- plots ------------------------------------------------------------ */

enum plot { WINDOW, LINKS, SECTIONS, INSERTED };

static uint64_t value(const struct sample *s, enum plot which) {
    switch (which) {
    case WINDOW: return s->window;
    case LINKS: return s->links;
    case SECTIONS: return s->sections;
    case INSERTED: return s->inserted;
    }
    return 0;
}

static void draw_plot(struct canvas *c, const char *name, const char *unit,
                      enum plot which) {
    const struct timeline *t = &c->s->timeline;
    uint64_t top = 1;
    int base = c->y + PLOT - 10;
    double scale;
    for (uint32_t i = 0; i < t->n; i++)
        if (value(&t->sample[i], which) > top)
            top = value(&t->sample[i], which);
    scale = (PLOT - 20) / (double)top;
    fprintf(c->f, "<text x='10' y='%d' class='name'>%s</text>\n",
            c->y + PLOT / 2, name);
    fprintf(c->f,
            "<text x='%d' y='%d' class='small' text-anchor='end'>%" PRIu64
            "%s</text>\n<text x='%d' y='%d' class='small' "
            "text-anchor='end'>0</text>\n",
            LEFT - 6, c->y + 16, top, unit, LEFT - 6, base + 3);
    fprintf(c->f, "<path class='plot' d='M%d %d", LEFT, base);
    for (uint32_t i = 0; i < t->n && t->sample[i].at <= c->end; i++)
        fprintf(c->f, "H%.1fV%.1f", x_of(c, t->sample[i].at),
                base - (double)value(&t->sample[i], which) * scale);
    fprintf(c->f, "H%dV%dZ'/>\n", WIDTH - RIGHT, base);
    c->y += PLOT;
}

/* ---- lanes ------------------------------------------------------------ */

/* When it was answered, or given up. */
static bp_time came(const struct sim *s, const struct request *r) {
    const struct session *x = &s->session[r->session - 1];
    if (r->answered) return r->came;
    return !x->live && x->left < r->due ? x->left : r->due;
}

static void draw_request(struct canvas *c, const struct request *r, int y) {
    static const char *const kinds[] = { "links", "hashes", "blocks" };
    bool late = !r->answered || r->came > r->due;
    double x = x_of(c, r->sent), w = x_of(c, came(c->s, r)) - x;
    fprintf(c->f,
            "<rect x='%.1f' y='%d' width='%.1f' height='%d' class='%s%s'>"
            "<title>request %" PRIu64 " for %u %s from %s at %" PRIu64 " ms, "
            "%s %" PRIu64 " ms</title></rect>\n",
            x, y, w > 1.5 ? w - 0.5 : 1, BAR, kinds[r->kind],
            late ? " late" : "", r->id, r->count, kinds[r->kind],
            sim_block(c->s, r->kind == MSG_BLOCKS ? r->want[0] : r->origin),
            (uint64_t)r->sent,
            r->answered ? "answered at" : "not answered until",
            (uint64_t)came(c->s, r));
}

static bool of_peer(const struct sim *s, const struct request *r, uint32_t i) {
    return s->session[r->session - 1].peer == i;
}

/* Bars go to the first row that is free; returns how many rows there are, and
   draws them unless y is negative. */
static int lay_bars(struct canvas *c, uint32_t peer, int y) {
    bp_time busy[ROWS] = { 0 };
    int rows = 1;
    for (uint32_t k = 0; k < c->s->requests; k++) {
        const struct request *r = c->s->request[k];
        int row = 0;
        if (!of_peer(c->s, r, peer) || r->sent > c->end) continue;
        while (row + 1 < ROWS && busy[row] > r->sent) row++;
        busy[row] = came(c->s, r);
        if (row + 1 > rows) rows = row + 1;
        if (y >= 0) draw_request(c, r, y + row * (BAR + 1));
    }
    return rows;
}

static void draw_label(struct canvas *c, const struct peer *p, int y) {
    const struct peer_spec *x = p->spec;
    fprintf(c->f, "<text x='10' y='%d' class='name'>peer %u</text>\n", y + 11,
            p->name);
    fprintf(c->f, "<text x='60' y='%d' class='small%s'>%s%s", y + 11,
            x->hostile ? " liar" : "",
            (x->caps & BP_CAP_LINKS) == 0 ? "bare"
            : (x->caps & BP_CAP_IDS) != 0 ? "links"
                                          : "plain",
            x->hostile ? ", liar:" : "");
    for (uint32_t i = 0; i < x->deeds && i < 2; i++)
        fprintf(c->f, "%s %s", i > 0 ? "," : "", deed_word(x->deed[i]));
    if (!x->hostile)
        fprintf(c->f, ", %u ms, head %s", 2 * x->latency,
                sim_block(c->s, p->head));
    fprintf(c->f, "</text>\n");
}

static void draw_lane(struct canvas *c, uint32_t i) {
    const struct sim *s = c->s;
    int height = lay_bars(c, i, -1) * (BAR + 1) + 7;
    if (height < 17) height = 17;
    draw_label(c, &s->peer[i], c->y);
    for (uint32_t k = 0; k < s->sessions; k++) {
        const struct session *x = &s->session[k];
        if (x->peer != i || x->joined > c->end) continue;
        double from = x_of(c, x->joined),
               to = x_of(c, x->live ? c->end : x->left);
        fprintf(c->f,
                "<rect x='%.1f' y='%d' width='%.1f' height='%d' "
                "class='session'/>\n",
                from, c->y, to - from, height - 3);
    }
    lay_bars(c, i, c->y + 2);
    for (uint32_t k = 0; k < s->timeline.marks; k++) {
        const struct mark *m = &s->timeline.mark[k];
        if (m->peer != i || m->at > c->end) continue;
        fprintf(c->f,
                "<path d='M%.1f %dl4 -6h-8z' class='%s'><title>%s at %" PRIu64
                " ms</title></path>\n",
                x_of(c, m->at), c->y + 4, m->offence ? "offence" : "fault",
                bp_offence_text(m->what), (uint64_t)m->at);
    }
    c->y += height;
}

/* ---- the frame -------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten milliseconds, about TICKS of them. */
static bp_time tick_of(bp_time end) {
    static const bp_time steps[] = { 2, 5, 10 };
    bp_time each = 1;
    for (bp_time power = 1;; power *= 10)
        for (int i = 0; i < 3; i++) {
            if (end / each <= TICKS) return each;
            each = power * steps[i];
        }
}

static void draw_axis(struct canvas *c) {
    bp_time each = tick_of(c->end);
    int digits = each >= 1000 ? 0 : each >= 100 ? 1 : each >= 10 ? 2 : 3;
    for (bp_time t = 0; t <= c->end; t += each)
        fprintf(c->f,
                "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' class='axis'/>"
                "<text x='%.1f' y='%d' class='small' text-anchor='middle'>"
                "%.*f s</text>\n",
                x_of(c, t), x_of(c, t), TOP, c->y + 4, x_of(c, t), c->y + 18,
                digits, (double)t / 1000.0);
    bp_time least = c->s->r.start + c->s->r.t_min;
    if (least <= c->end)
        fprintf(c->f,
                "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' class='least'/>"
                "<text x='%.1f' y='%d' class='small' text-anchor='middle'>"
                "T_min</text>\n",
                x_of(c, least), x_of(c, least), TOP, c->y + 4, x_of(c, least),
                TOP - 4);
    c->y += 24;
}

static void draw_legend(struct canvas *c, int y) {
    static const struct {
        const char *class, *text;
    } keys[] = {
        { "links", "asked for links" }, { "hashes", "for hashes" },
        { "blocks", "for blocks" },     { "late", "answered late or never" },
        { "session", "connected" },     { "offence", "blamed for an offence" },
        { "fault", "for a fault" }
    };
    int x = LEFT;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        fprintf(c->f,
                "<rect x='%d' y='%d' width='16' height='9' class='%s'/>"
                "<text x='%d' y='%d' class='small'>%s</text>\n",
                x, y - 8, keys[i].class, x + 21, y, keys[i].text);
        x += 21 + (int)strlen(keys[i].text) * 6 + 22;
    }
}

static void draw_head(struct canvas *c, int height) {
    const struct sim *s = c->s;
    fprintf(c->f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
            "font-family='DejaVu Sans, sans-serif' font-size='12'>\n"
            "<style>.plot{fill:#cfe0f5;stroke:#2b5f9e}.session{fill:#e9e9e9}"
            ".links{fill:#2b5f9e}.hashes{fill:#2e8b57}.blocks{fill:#e08a1e}"
            ".late{fill:#f2b8b5;stroke:#c62828}.small{font-size:10px;"
            "fill:#666}.liar{fill:#c62828}.name{fill:#222}"
            ".offence{fill:#c62828}.fault{fill:#7a5c00}"
            ".axis{stroke:#999;stroke-dasharray:1 4}"
            ".least{stroke:#2e8b57;stroke-width:1.5}</style>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, height);
    fprintf(c->f,
            "<text x='10' y='22' font-size='15' font-weight='bold'>%s, engine "
            "%s: head %" PRIu64 " after %.2f s, T_min %.2f s, %.1f KiB, "
            "%" PRIu64 " bodies twice%s</text>\n",
            s->w->name[0] != '\0' ? s->w->name : "world", s->ops->name,
            s->head.number, (double)c->end / 1000.0,
            (double)s->r.t_min / 1000.0, (double)s->r.bytes / 1024.0,
            s->r.duplicates, s->r.failed ? "; FAILED" : "");
    draw_legend(c, 44);
}

int svg_write(const struct sim *s, const char *path) {
    struct canvas c = { .s = s };
    c.end = s->r.done_at != 0 ? s->r.done_at : s->now;
    if (c.end == 0) c.end = 1;
    int height = TOP + 4 * PLOT + 34;
    for (uint32_t i = 0; i < s->peers; i++) {
        int lane = lay_bars(&c, i, -1) * (BAR + 1) + 7;
        height += lane < 17 ? 17 : lane;
    }
    c.f = fopen(path, "w");
    if (c.f == NULL) return -1;
    draw_head(&c, height);
    c.y = TOP;
    draw_plot(&c, "window", " bytes", WINDOW);
    draw_plot(&c, "links held", "", LINKS);
    draw_plot(&c, "sections", "", SECTIONS);
    draw_plot(&c, "blocks inserted", "", INSERTED);
    for (uint32_t i = 0; i < s->peers; i++) draw_lane(&c, i);
    draw_axis(&c);
    fprintf(c.f, "</svg>\n");
    return fclose(c.f) == 0 ? 0 : -1;
}
