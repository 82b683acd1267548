#include "relay/exit_code.h"
