#!/usr/bin/env bash
# Builds the image of the Dockerfile and tries it out as a container platform would run it: as its own user, without
# capabilities, on a root that nobody can write to, as process 1. Asks it, checks its health, ends it. Needs root, buildah
# and bubblewrap, and with --stand-ins debootstrap too (apt-get install buildah bubblewrap debootstrap): where no
# registry can be reached, it makes its own base images out of Debian's packages, which are what the real ones are made of.
#
#   deploy/check-image.sh                 with the base images of the Dockerfile
#   deploy/check-image.sh --stand-ins     without a registry; npm is taken from this machine
set -euo pipefail

cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
export BUILDAH_ISOLATION=chroot
port=${PORT:-3000}
admin=${ADMIN_PORT:-9901}
work=$(mktemp -d)
image=sluice-check
container=
supervisor=

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\ncheck-image: %s\n' "$*" >&2
  [ ! -e "$work/log" ] || cat "$work/log" >&2
  exit 1
}

clean_up() {
  [ -z "$supervisor" ] || kill -KILL "$supervisor" 2>/dev/null || true
  [ -z "$container" ] || buildah rm "$container" >/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

# A folder becomes an image.
make_image() {
  local made
  made=$(buildah from scratch)
  buildah copy -q "$made" "$1" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" "$made"
  buildah commit -q "$made" "$2" >/dev/null
  buildah rm "$made" >/dev/null
}

# node:24-bookworm-slim: a small Debian with npm.
make_build_image() {
  local root=$work/build
  debootstrap --variant=minbase bookworm "$root" http://deb.debian.org/debian >"$work/debootstrap.log" || fail "debootstrap: see $work/debootstrap.log"
  mkdir -p "$root/usr/lib/node_modules" "$root/etc/ssl/certs"
  cp -a "$(readlink -f "$(command -v node)")" "$root/usr/bin/node"
  cp -a "$(dirname -- "$(dirname -- "$(readlink -f "$(command -v npm)")")")" "$root/usr/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  make_image "$root" sluice-check-build
}

# gcr.io/distroless/cc-debian12:nonroot: a few of Debian's packages, unpacked.
make_run_image() {
  local root=$work/run package
  mkdir -p "$work/packages" "$root"
  (cd "$work/packages" && apt-get -qq download base-files netbase tzdata libc6 libgcc-s1 gcc-12-base libstdc++6 libssl3 ca-certificates 2>/dev/null)
  for package in "$work"/packages/*.deb; do dpkg -x "$package" "$root"; done
  mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root/usr/share/"{doc,man,ca-certificates}
  printf 'root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"
  make_image "$root" sluice-check-run
}

# What the image says of itself, as JSON; the second argument is a JavaScript expression over it.
inspect() {
  buildah inspect --type image "$image" | node -e "
    const docker = JSON.parse(require('node:fs').readFileSync(0, 'utf8')).Docker.config;
    const value = $1;
    process.stdout.write(Array.isArray(value) ? value.join('\0') : String(value))"
}

# Runs a program in the image. Networks are shared with this machine, so that it can be asked.
in_image() {
  local user pair environment=()
  user=$(inspect docker.User)
  while IFS= read -r -d '' pair || [ -n "$pair" ]; do
    [[ $pair = PATH=* ]] || environment+=(--setenv "${pair%%=*}" "${pair#*=}")
  done < <(inspect docker.Env)
  exec bwrap --ro-bind "$root" / --proc /proc --dev /dev --unshare-pid --as-pid-1 --unshare-ipc --unshare-uts \
    --unshare-user --uid "${user%:*}" --gid "${user#*:}" --cap-drop ALL --die-with-parent --chdir /app \
    --clearenv --setenv PATH /usr/local/bin:/usr/bin:/bin "${environment[@]}" \
    --setenv PORT "$port" --setenv ADMIN_PORT "$admin" -- "$@"
}

try_out() {
  local answer status started=$SECONDS
  say "$*"
  (in_image "$@") >"$work/log" 2>&1 &
  local runner=$!
  until curl -fsS --max-time 2 "localhost:$port/health/ready" >/dev/null 2>&1; do
    kill -0 "$runner" 2>/dev/null || fail 'it ended before it was ready'
    [ $((SECONDS - started)) -lt 60 ] || fail 'it was not ready within 60 s'
    sleep 0.2
  done
  local ready=$((SECONDS - started))
  answer=$(curl -fsS "localhost:$port/echo/hello")
  grep -q hello <<<"$answer" || fail "the echo does not say hello: $answer"
  mapfile -d '' -t check < <(inspect 'docker.Healthcheck.Test.slice(1)')
  (in_image "${check[@]}") || fail 'HEALTHCHECK: not healthy'
  supervisor=$(pgrep -P "$runner") || fail 'no supervisor to be found'
  kill -TERM "$supervisor"
  status=0
  wait "$runner" || status=$?
  supervisor=
  [ "$status" = 0 ] || fail "SIGTERM: it ended with $status"
  if (in_image "${check[@]}"); then fail 'HEALTHCHECK: healthy after its end'; fi
  echo "ready after $ready s, answered, healthy; SIGTERM: drained, exit 0"
}

[ "$(id -u)" = 0 ] || fail 'run it as root: it makes images'
bases=()
if [ "${1:-}" = --stand-ins ]; then
  say 'base images from packages of Debian'
  buildah inspect localhost/sluice-check-build >/dev/null 2>&1 || make_build_image
  buildah inspect localhost/sluice-check-run >/dev/null 2>&1 || make_run_image
  bases=(--build-arg BUILD_IMAGE=localhost/sluice-check-build --build-arg RUN_IMAGE=localhost/sluice-check-run)
fi
say 'the steps of the Dockerfile'
buildah bud -q --network host --format docker "${bases[@]}" -t "$image" . >/dev/null
container=$(buildah from "$image")
root=$(buildah mount "$container")
du -sh "$root" | sed 's/\t.*/ in all, unpacked/'
(cd "$root/app" && ! ls -d node_modules/{typescript,tsx,@biomejs,playwright-core} 2>/dev/null) || fail 'development packages are in the image'

mapfile -d '' -t command < <(inspect '[...docker.Entrypoint, ...docker.Cmd]')
try_out "${command[@]}"
try_out node bin/www
say "it passed in $SECONDS s"
