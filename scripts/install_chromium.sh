#!/bin/sh
# Chromium from Debian's packages, unless there is one. Playwright's own browsers are not used: they come
# from another place than the package registries that everything else comes from.
set -eu
if command -v "${OBZVON_CHROMIUM:-chromium}" >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null || ! { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
  echo "The pages are tested in Chromium, which is missing: install it, or name its path in OBZVON_CHROMIUM" >&2
  exit 1
fi
echo "Installing Chromium, in which the pages are tried ..."
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends chromium fonts-dejavu-core >/dev/null
