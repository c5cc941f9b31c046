// Windows' and Apple's files that hold one picture in many sizes.

/** Apple's names of the sizes in pixels. The small ones are of screens with two pixels for one. */
const APPLE = { ic11: 32, ic12: 64, ic07: 128, ic13: 256, ic08: 256, ic14: 512, ic09: 512, ic10: 1024 };

/** `png` gives the picture of a size. */
export function icns(png) {
  const parts = Object.entries(APPLE).map(([type, size]) => {
    const body = png(size);
    return Buffer.concat([tagged(type, body.length), body]);
  });
  return Buffer.concat([tagged('icns', parts.reduce((sum, part) => sum + part.length, 0)), ...parts]);
}

/** A type and the length with these eight bytes. */
function tagged(type, length) {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(length + 8, 4);
  return head;
}

/** From pictures with their PNG and their RGBA pixels. */
export function ico(pictures) {
  const head = Buffer.alloc(6);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length + 16 * pictures.length;
  const bodies = [];
  const entries = pictures.map(({ size, png, pixels }) => {
    // Only the largest may be a PNG for everybody who reads these.
    const body = size === 256 ? png : bitmap(size, pixels);
    const entry = Buffer.alloc(16);
    entry.writeUInt8(size % 256, 0);
    entry.writeUInt8(size % 256, 1);
    entry.writeUInt16LE(1, 4);
    entry.writeUInt16LE(32, 6);
    entry.writeUInt32LE(body.length, 8);
    entry.writeUInt32LE(offset, 12);
    offset += body.length;
    bodies.push(body);
    return entry;
  });
  return Buffer.concat([head, ...entries, ...bodies]);
}

/** A header, the pixels as BGRA from the bottom up, and an empty mask: alpha says it all. */
function bitmap(size, pixels) {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40, 0);
  head.writeInt32LE(size, 4);
  head.writeInt32LE(2 * size, 8); // picture and mask
  head.writeUInt16LE(1, 12);
  head.writeUInt16LE(32, 14);
  const rows = Buffer.alloc(size * size * 4);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const from = ((size - 1 - y) * size + x) * 4;
      const alpha = pixels[from + 3];
      const straight = (channel) => (alpha === 0 ? 0 : Math.min(255, Math.round((pixels[from + channel] * 255) / alpha)));
      rows.set([straight(2), straight(1), straight(0), alpha], (y * size + x) * 4);
    }
  }
  const maskRow = Math.ceil(size / 32) * 4;
  return Buffer.concat([head, rows, Buffer.alloc(maskRow * size)]);
}
