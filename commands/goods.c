/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * goods: what the synthetic shop sells. Everything is a hash of (seed, number, purpose).
 *
 * Codes look like those of the UCI shop: five digits, some families of four that share
 * the digits and differ in a letter (85123A), a few of them in small letters. Names are put
 * together from words; about one in a hundred holds a comma, fewer hold quotes.
 *
 * Prices: a sorted list of the usual price points. A code starts somewhere on it and every
 * 120 to 480 days, at a time of its own, may move to a neighbouring point.
 *
 * 1. Two numbers never share a code. 2. A code has one name for ever. 3. The price of
 * a code on a day is always the same, so a return can name the price of the sale.
 */
#include "commands/goods.h"

#include "engine/err.h"

#include <stdbool.h>

enum purpose {
    PURPOSE_STEP = 1,
    PURPOSE_OFFSET,
    PURPOSE_FAMILY,
    PURPOSE_NAME,
    PURPOSE_PRICE,
    PURPOSE_PERIOD,
    PURPOSE_MOVE,
};

#define FAMILY 4
#define SMALL_SHOP 8000 /* up to here the codes lie in two ranges of five digits */

static const int16_t price_points[] = {
    190,  290,  390,  420,  550,   650,   790,   850,   950,   1060,  1250,  1450,  1650,
    1690, 1850, 1950, 2080, 2100,  2250,  2490,  2550,  2890,  2950,  3250,  3290,  3390,
    3750, 3950, 4150, 4250, 4650,  4950,  5450,  5950,  6250,  6750,  6950,  7650,  7950,
    8250, 8500, 9950, 9990, 10950, 12750, 14950, 16950, 18000, 19950, 24950, 29950,
};

/* Where codes start on that list: the UCI shop's commonest prices, as often. */
static const uint8_t price_start[64] = {
    10, 10, 10, 10, 10, 10, 10, 10, 7,  7,  7,  7,  3,  3,  3,  3,  12, 12, 12, 12, 22, 22,
    22, 22, 26, 26, 26, 31, 31, 31, 20, 20, 20, 17, 17, 15, 15, 2,  2,  33, 33, 5,  5,  11,
    11, 38, 38, 41, 29, 1,  28, 25, 6,  40, 44, 19, 39, 21, 35, 45, 27, 9,  49, 0,
};

static const uint8_t quantity_cheap[32] = {
    1,  1,  1,  1,  1,  2,  2,  2,  3,  4,  4,  6,  6,  8,  10, 10,
    10, 12, 12, 12, 12, 12, 12, 24, 24, 24, 24, 25, 36, 48, 48, 100,
};
static const uint8_t quantity_middling[32] = {
    1, 1, 1, 1, 1, 1, 1, 1, 2, 2,  2,  2,  2,  3,  3,  3,
    4, 4, 5, 6, 6, 6, 6, 6, 8, 10, 12, 12, 12, 12, 18, 24,
};
static const uint8_t quantity_dear[32] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 6, 6, 8, 12,
};

static const char *const colours[] = {
    "RED",    "WHITE", "PINK",   "BLUE",   "GREEN", "BLACK",     "CREAM",         "IVORY",
    "SILVER", "GOLD",  "PURPLE", "YELLOW", "GREY",  "TURQUOISE", "ANTIQUE WHITE", "ASSORTED COLOUR",
};
static const char *const styles[] = {
    "RETROSPOT",  "VINTAGE",    "POLKADOT", "HEART",     "PAISLEY",    "SPACEBOY",    "REGENCY",
    "ROSE",       "WOODLAND",   "FAIRY",    "FELTCRAFT", "SKULL",      "STAR",        "STRAWBERRY",
    "DOLLY GIRL", "UNION JACK", "GINGHAM",  "BUTTERFLY", "SWEETHEART", "TRADITIONAL", "METAL",
    "WOODEN",     "GLASS",      "CERAMIC",  "ENAMEL",    "ZINC",       "WICKER",      "CHRISTMAS",
    "BIRTHDAY",   "GARDEN",     "FRENCH",   "CHOCOLATE",
};
static const char *const things[] = {
    "T-LIGHT HOLDER",
    "LUNCH BAG",
    "CAKE CASES",
    "CAKESTAND 3 TIER",
    "JUMBO BAG",
    "DOORMAT",
    "HOT WATER BOTTLE",
    "MUG",
    "BUNTING",
    "ALARM CLOCK",
    "WALL CLOCK",
    "PHOTO FRAME",
    "TRINKET BOX",
    "DRAWER KNOB",
    "PAPER NAPKINS",
    "GIFT WRAP",
    "LANTERN",
    "STORAGE JAR",
    "CAKE TIN",
    "TEA TOWEL",
    "TEA SET",
    "COFFEE CUP",
    "MILK JUG",
    "SUGAR BOWL",
    "CUTLERY SET",
    "COAT HANGER",
    "HOOK",
    "SIGN",
    "BIRD HOUSE",
    "WATERING CAN",
    "PLANT POT",
    "CANDLES",
    "PENCILS",
    "NOTEBOOK",
    "GREETING CARD",
    "STICKERS",
    "SEWING KIT",
    "RIBBONS",
    "CUSHION COVER",
    "PICNIC BASKET",
    "PARTY BAGS",
    "SNACK BOXES",
    "DRINKING STRAWS",
    "EGG CUP",
    "DECORATION",
    "WREATH",
    "HAND WARMER",
    "DOORSTOP",
};
static const char *const endings[] = {
    ", LARGE", ", SMALL",    ", BOXED",       " , SET OF 3", " \"HOME SWEET HOME\"",
    " IN BOX", " 12\" TALL", ", 50'S DESIGN",
};

static const struct {
    const char *code, *name;
} specials[] = {
    [GOODS_POSTAGE] = {"POST", "POSTAGE"},
    [GOODS_DOTCOM] = {"DOT", "DOTCOM POSTAGE"},
    [GOODS_MANUAL] = {"M", "Manual"},
    [GOODS_DISCOUNT] = {"D", "Discount"},
    [GOODS_BANK] = {"BANK CHARGES", "Bank Charges"},
    [GOODS_CARRIAGE] = {"C2", "CARRIAGE"},
    [GOODS_DEBT] = {"B", "Adjust bad debt"},
    [GOODS_VOUCHER] = {"gift_0001_20", "Dotcomgiftshop Gift Voucher \xC2\xA3"
                                       "20.00"},
};

static uint64_t trait(const struct goods *g, int64_t number, enum purpose p)
{
    return dice_hash(g->seed + (uint64_t)p, (uint64_t)number);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

int64_t goods_step(uint64_t seed, int64_t n)
{
    int64_t step = 1 + dice_scale(dice_hash(seed, PURPOSE_STEP), n);

    /* Ends: n + 1 at the latest has no divisor in common with n. */
    while (common_divisor(step, n) != 1)
        step++;
    return step;
}

void goods_init(struct goods *g, uint64_t seed, int64_t n)
{
    int64_t shift = n / 100;

    *g = (struct goods){.seed = seed, .n = n};
    g->popularity = dice_zipf_of(n, shift ? shift : 1);
    g->step = goods_step(seed, n);
    g->offset = dice_scale(dice_hash(seed, PURPOSE_OFFSET), n);
}

int64_t goods_pick(const struct goods *g, struct dice *d)
{
    return (dice_zipf_roll(&g->popularity, d) * g->step + g->offset) % g->n;
}

struct str goods_code(const struct goods *g, int64_t number, char *out)
{
    int64_t member = number % FAMILY;
    uint64_t family = trait(g, number - member, PURPOSE_FAMILY);
    bool lettered = family % 4 == 0;
    bool low = number - member < g->n * 3 / 4;
    int64_t range = g->n > SMALL_SHOP ? 100000 : low ? 20680 : 82000;
    char text[GOODS_CODE_MAX];
    size_t at = sizeof(text);

    if (lettered)
        text[--at] = (char)((family % 64 == 0 ? 'a' : 'A') + (char)member);
    for (int64_t rest = range + number - (lettered ? member : 0); rest; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    memcpy(out, text + at, sizeof(text) - at);
    return (struct str){out, sizeof(text) - at};
}

static void add(struct str *name, char *out, struct str word)
{
    if (name->n)
        out[name->n++] = ' ';
    memcpy(out + name->n, word.p, word.n);
    name->n += word.n;
}

static struct str word_of(const char *const *words, size_t n, struct dice *d)
{
    return str_of(words[dice_below(d, (int64_t)n)]);
}

struct str goods_name(const struct goods *g, int64_t number, char *out)
{
    struct dice d = {trait(g, number, PURPOSE_NAME)};
    struct str name = {out, 0};
    int64_t shape = dice_below(&d, 128);

    if (shape < 12)
        add(&name, out, STR("SET OF 6"));
    else if (shape < 20)
        add(&name, out, STR("PACK OF 12"));
    else if (shape < 76)
        add(&name, out, word_of(colours, countof(colours), &d));
    add(&name, out, word_of(styles, countof(styles), &d));
    add(&name, out, word_of(things, countof(things), &d));
    if (shape >= 126) {
        struct str end = word_of(endings, countof(endings), &d);

        memcpy(out + name.n, end.p, end.n);
        name.n += end.n;
    }
    return name;
}

int64_t goods_price(const struct goods *g, int64_t number, int64_t day)
{
    int64_t at = price_start[trait(g, number, PURPOSE_PRICE) % countof(price_start)];
    uint64_t period = trait(g, number, PURPOSE_PERIOD);
    int64_t length = 120 + dice_scale(period, 361);
    int64_t stage = (day + (int64_t)(period & 255)) / length;
    uint64_t move = dice_hash(trait(g, number, PURPOSE_MOVE), (uint64_t)stage);

    if (move % 8 < 2)
        at += at + 1 < (int64_t)countof(price_points);
    else if (move % 8 == 2)
        at -= at > 0;
    return price_points[at];
}

int64_t goods_quantity(int64_t price_milli, struct dice *d)
{
    if (price_milli < 1000)
        return quantity_cheap[dice_below(d, countof(quantity_cheap))];
    if (price_milli < 4000)
        return quantity_middling[dice_below(d, countof(quantity_middling))];
    return quantity_dear[dice_below(d, countof(quantity_dear))];
}

struct str goods_special_code(enum goods_special s)
{
    return str_of(specials[s].code);
}

struct str goods_special_name(enum goods_special s)
{
    return str_of(specials[s].name);
}
