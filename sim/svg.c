/* svg: a world as a picture that a person can read.

       window   a line: bytes asked for, held or in insertion
       sections a line
       chain    a line: blocks inserted
       peer 1   one bar for each request: grey while it waits for an answer,
       peer 2   blue links, green hashes, orange blocks; red when late or never

   Time runs from left to right, from the first step to the last insertion. */
#include "command.h"

#define WIDTH  1200
#define LEFT   110
#define ROW    26
#define PLOT   90
#define MARGIN 18

static double at(const struct sim *s, bp_time t, bp_time end) {
    (void)s;
    if (t > end) t = end;
    return LEFT + (double)t * (WIDTH - LEFT - MARGIN) / (double)end;
}

static void draw_plot(FILE *f, const struct sim *s, bp_time end, int y,
                      const char *name, int which) {
    const struct timeline *t = &s->timeline;
    uint64_t top = 1;
    for (uint32_t i = 0; i < t->n; i++) {
        const uint64_t v[] = { t->sample[i].window, t->sample[i].sections,
                               t->sample[i].inserted };
        if (v[which] > top) top = v[which];
    }
    fprintf(f, "<text x='8' y='%d'>%s</text>\n", y + PLOT / 2, name);
    fprintf(f, "<text x='8' y='%d' class='small'>0 to %llu</text>\n",
            y + PLOT / 2 + 14, (unsigned long long)top);
    fprintf(f, "<path class='plot' d='M%d %d", LEFT, y + PLOT - 8);
    for (uint32_t i = 0; i < t->n; i++) {
        const uint64_t v[] = { t->sample[i].window, t->sample[i].sections,
                               t->sample[i].inserted };
        fprintf(f, " H%.1f V%.1f", at(s, t->sample[i].at, end),
                y + PLOT - 8 - (double)v[which] * (PLOT - 16) / (double)top);
    }
    fprintf(f, " H%d'/>\n", WIDTH - MARGIN);
}

static void draw_request(FILE *f, const struct sim *s, const struct request *r,
                         bp_time end, int y) {
    static const char *const classes[] = { "links", "hashes", "blocks" };
    static const char *const words[] = { "links", "hashes", "blocks" };
    bp_time to = r->answered ? r->came : r->due;
    double x = at(s, r->sent, end), w = at(s, to, end) - x;
    bool late = !r->answered || r->came > r->due;
    fprintf(f,
            "<rect x='%.1f' y='%d' width='%.1f' height='%d' class='%s'>"
            "<title>request %llu: %u %s from %s at %llu ms, %s %llu ms"
            "</title></rect>\n",
            x, y + 4, w > 1 ? w : 1, ROW - 8, late ? "late" : classes[r->kind],
            (unsigned long long)r->id, r->count, words[r->kind],
            sim_block(s, r->kind == MSG_BLOCKS ? r->want[0] : r->origin),
            (unsigned long long)r->sent,
            r->answered ? "answered at" : "never answered, due at",
            (unsigned long long)to);
}

static void draw_peers(FILE *f, const struct sim *s, bp_time end, int y) {
    for (uint32_t i = 0; i < s->peers; i++) {
        const struct peer *p = &s->peer[i];
        int row = y + (int)i * ROW;
        fprintf(f, "<text x='8' y='%d'>peer %u%s</text>\n", row + 17, p->name,
                p->spec->hostile ? " (liar)" : "");
        for (uint32_t k = 0; k < s->sessions; k++) {
            const struct session *x = &s->session[k];
            if (x->peer != i) continue;
            double from = at(s, x->joined, end);
            double to = at(s, x->live ? end : x->left, end);
            fprintf(f,
                    "<rect x='%.1f' y='%d' width='%.1f' height='%d' "
                    "class='session'/>\n",
                    from, row + 1, to - from, ROW - 2);
        }
        for (uint32_t k = 0; k < s->requests; k++)
            if (s->session[s->request[k]->session - 1].peer == i)
                draw_request(f, s, s->request[k], end, row);
    }
}

int svg_write(const struct sim *s, const char *path) {
    FILE *f = fopen(path, "w");
    if (f == NULL) return -1;
    bp_time end = s->r.done_at != 0 ? s->r.done_at : s->now;
    if (end == 0) end = 1;
    int height = 3 * PLOT + (int)s->peers * ROW + 80;
    fprintf(f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
            "font-family='sans-serif' font-size='12'>\n"
            "<style>.plot{fill:#cfe0f5;stroke:#2b5f9e}.session{fill:#f1f1f1}"
            ".links{fill:#2b5f9e;fill-opacity:.7}"
            ".hashes{fill:#2e8b57;fill-opacity:.7}"
            ".blocks{fill:#e08a1e;fill-opacity:.7}"
            ".late{fill:#c62828;fill-opacity:.7}.small{fill:#777;"
            "font-size:10px}.axis{stroke:#bbb}</style>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, height);
    fprintf(f,
            "<text x='8' y='20' font-weight='bold'>%s: engine %s, head %llu, "
            "%llu ms (T_min %llu ms), %llu bytes, %llu bodies twice</text>\n",
            s->w->name[0] != '\0' ? s->w->name : "world", s->ops->name,
            (unsigned long long)s->head.number, (unsigned long long)end,
            (unsigned long long)s->r.t_min, (unsigned long long)s->r.bytes,
            (unsigned long long)s->r.duplicates);
    int y = 30;
    draw_plot(f, s, end, y, "window", 0);
    draw_plot(f, s, end, y + PLOT, "sections", 1);
    draw_plot(f, s, end, y + 2 * PLOT, "inserted", 2);
    y += 3 * PLOT;
    draw_peers(f, s, end, y);
    y += (int)s->peers * ROW + 6;
    for (int i = 0; i <= 10; i++) {
        double x = LEFT + i * (WIDTH - LEFT - MARGIN) / 10.0;
        fprintf(f,
                "<line x1='%.1f' x2='%.1f' y1='30' y2='%d' class='axis' "
                "stroke-dasharray='2 4'/><text x='%.1f' y='%d' class='small'>"
                "%llu ms</text>\n",
                x, x, y, x - 12, y + 14,
                (unsigned long long)(end * (uint64_t)i / 10));
    }
    fprintf(f,
            "<text x='%d' y='%d' class='small'>blue links, green hashes, "
            "orange blocks, red late or never; grey: connected</text>\n",
            LEFT, y + 32);
    fprintf(f, "</svg>\n");
    return fclose(f) == 0 ? 0 : -1;
}
