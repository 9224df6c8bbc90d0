# `npm ci` of a package with two dependencies from a local cache, and `npm test`
cp -r /opt/materials/sources/package . && cd package
mkdir test
cat > test/order.js << 'END'
const { test } = require('uvu');
const { ok } = require('uvu/assert');
const { execFileSync } = require('child_process');
const { lt } = require('semver');
test('versions have an order', () => ok(lt('1.9.0', '1.10.0')));
test('a program answers', () => ok(execFileSync('echo', ['yes']).length === 4));
test.run();
END
npm ci --offline --loglevel=error > ci.log
npm test --loglevel=error > test.log
