#include "tests/sim/trail.h"
void shards_world(struct trail *t, const char *directory)
{
    shop_world(t, directory);
}
