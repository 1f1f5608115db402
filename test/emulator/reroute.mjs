/**
 * Preloaded into the processes that the emulator and the test start for the cloud (`node --import`): connections to names of
 * the cloud go to ports of this machine, and the certificate of the test is trusted there. What is not on this machine
 * and has no route is refused, so that nothing of a test leaves the machine.
 *
 * CUTOVER_ROUTES names a JSON file `{"ports": {"<host>:<port>": <port>}, "certificates": ["<PEM>"]}`, read at each connection.
 */
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';

const LOCAL = ['127.0.0.1', 'localhost', '::1'];
const routes = () => JSON.parse(readFileSync(process.env.CUTOVER_ROUTES, 'utf8'));

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function reroutedConnect(...given) {
  // Node hands on its own calls as one list in which the options come first.
  const words = Array.isArray(given[0]) ? given[0] : given;
  const callback = words.findLast((word) => typeof word === 'function');
  const options = typeof words[0] === 'object' ? words[0] : { port: words[0], host: words[1] };
  if (options.path !== undefined) return connect.apply(this, given);
  const host = options.host ?? 'localhost';
  const port = routes().ports[`${host}:${options.port}`];
  if (port === undefined && LOCAL.includes(host)) return connect.apply(this, given);
  const to = port === undefined ? refused(this, `${host}:${options.port}`) : { ...options, host: '127.0.0.1', port };
  return to === this ? this : connect.call(this, to, ...(callback ? [callback] : []));
};

function refused(socket, where) {
  const error = Object.assign(new Error(`connect ECONNREFUSED ${where}: the test has no route to it`), {
    code: 'ECONNREFUSED',
  });
  process.nextTick(() => socket.destroy(error));
  return socket;
}

const secureConnect = tls.connect;
tls.connect = function trustingConnect(...given) {
  const index = given.findIndex((word) => typeof word === 'object' && word !== null);
  if (index >= 0) {
    const { ca = tls.rootCertificates } = given[index];
    given[index] = { ...given[index], ca: [ca, routes().certificates].flat() };
  }
  return secureConnect.apply(this, given);
};
syncBuiltinESMExports();
