// The conformance suite of catalogues: every folder of catalogues/ must pass it on a real server.
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Catalogue, didText, type KnownFile, type NewCopy } from '../../src/lib/catalogue.ts';
import { sameAddress } from '../../src/lib/domain/catalogue/decide.ts';
import { CredentialsError, ItemError } from '../../src/lib/util/errors.ts';

export interface CatalogueFixture {
  readonly scope: string;
  /** Two places that take physical names below `prefix` and `otherPrefix`. */
  readonly places: readonly [string, string];
  readonly prefix: string;
  readonly otherPrefix: string;
  open(): Promise<Catalogue>;
  openWrong(): Promise<Catalogue>;
}

export function catalogueContract(name: string, make: () => Promise<CatalogueFixture>): void {
  describe(`catalogue contract: ${name}`, () => {
    let fixture: CatalogueFixture;
    let catalogue: Catalogue;
    let tag: string;
    beforeAll(async () => {
      fixture = await make();
      catalogue = await fixture.open();
    });
    afterAll(() => catalogue?.end());
    beforeEach(() => {
      tag = randomBytes(6).toString('hex');
    });

    const copyOf = (name: string, more: Partial<NewCopy> = {}): NewCopy => ({
      ...{ scope: fixture.scope, name: `${name}-${tag}`, size: 1234, adler32: '0a1b2c3d', guid: randomUUID() },
      address: `${fixture.prefix}/L1/109/${name}-${tag}`,
      ...more,
    });
    const dataset = (name: string) => ({ scope: fixture.scope, name: `${name}-${tag}` });
    const file = async (copy: NewCopy, places: readonly string[] = fixture.places): Promise<KnownFile> => {
      const known = (await catalogue.look([copy], places)).get(didText(copy));
      if (known?.kind !== 'file') throw new Error(`${copy.name}: ${known?.kind}`);
      return known;
    };

    test('unknown names are absent', async () => {
      expect(await catalogue.look([copyOf('none')], fixture.places)).toEqual(new Map());
    });

    test('a copy is told, and found with size, checksum, GUID and physical name', async () => {
      const copy = copyOf('one');
      expect(await catalogue.addCopies(fixture.places[0], [copy])).toEqual(new Map());
      const known = await file(copy);
      const { size, adler32, guid } = copy;
      expect(known).toMatchObject({ kind: 'file', size, adler32, guid });
      expect([...known.copies.keys()]).toEqual([fixture.places[0]]);
      const there = known.copies.get(fixture.places[0]);
      expect(there?.state).toBe('available');
      expect(sameAddress(there?.address ?? '', copy.address)).toBe(true);
      expect((await file(copy, [])).copies.size).toBe(0);
    });

    test('told twice is told once, and a second place adds a copy', async () => {
      const copy = copyOf('twice');
      for (const place of [fixture.places[0], fixture.places[0]])
        expect((await catalogue.addCopies(place, [copy])).size).toBe(0);
      const other = { ...copy, address: `${fixture.otherPrefix}/L1/109/${copy.name}` };
      expect((await catalogue.addCopies(fixture.places[1], [other])).size).toBe(0);
      expect([...(await file(copy)).copies.keys()].sort()).toEqual([...fixture.places].sort());
      expect([...(await file(copy, [fixture.places[1]])).copies.keys()]).toEqual([fixture.places[1]]);
    });

    test('many at once, more than a request takes', async () => {
      const copies = Array.from({ length: 520 }, (_, at) => copyOf(`many${at}`));
      expect((await catalogue.addCopies(fixture.places[0], copies)).size).toBe(0);
      expect((await catalogue.look(copies)).size).toBe(520);
    });

    test('one that is not taken is named, and the others are taken', async () => {
      const wrong = copyOf('wrong name', { name: `wrong name ${tag}` });
      const copies = [copyOf('a'), copyOf('b'), wrong, copyOf('c'), copyOf('d')];
      const refused = await catalogue.addCopies(fixture.places[0], copies);
      expect([...refused.keys()]).toEqual([didText(wrong)]);
      expect(refused.get(didText(wrong))).toContain('does not match');
      expect((await catalogue.look(copies)).size).toBe(4);
    });

    test('a place, a scope, a prefix that is not known is an error that says what to do', async () => {
      await expect(catalogue.addCopies('NOWHERE', [copyOf('a')])).rejects.toThrow(ItemError);
      const [place] = fixture.places;
      const error = await catalogue
        .addCopies(place, [copyOf('a', { scope: 'nobody' })])
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ItemError);
      expect((error as ItemError).hint).toContain('catalogue.scope');
      const elsewhere = copyOf('a', { address: `root://other.example.org:1094//snoplus/${tag}` });
      const other = await catalogue.addCopies(place, [elsewhere]).catch((thrown: unknown) => thrown);
      expect((other as ItemError).hint).toContain('catalogue.rses');
      expect((await catalogue.look([copyOf('a')])).size).toBe(0);
    });

    test('datasets are made once, take files, and are closed', async () => {
      const copies = [copyOf('x'), copyOf('y'), copyOf('z')];
      await catalogue.addCopies(fixture.places[0], copies);
      const one = { ...dataset('set'), run: 109134 };
      const two = { ...dataset('other'), run: 109135 };
      await catalogue.makeDatasets([one]);
      await catalogue.makeDatasets([one, two]);
      expect((await catalogue.look([one, two])).get(didText(one))).toMatchObject({
        kind: 'dataset',
        open: true,
        run: 109134,
      });
      expect(await catalogue.contents(one)).toEqual(new Set());
      await catalogue.attach([
        { dataset: one, files: copies.slice(0, 2) },
        { dataset: two, files: copies.slice(2) },
      ]);
      await catalogue.attach([{ dataset: one, files: copies.slice(0, 2) }]);
      expect(await catalogue.contents(one)).toEqual(new Set(copies.slice(0, 2).map(({ name }) => name)));
      await catalogue.close(one);
      await catalogue.close(one);
      expect((await catalogue.look([one])).get(didText(one))).toMatchObject({ open: false });
      await expect(catalogue.attach([{ dataset: one, files: copies.slice(2) }])).rejects.toThrow(/closed/);
      expect(await catalogue.contents(dataset('nothing'))).toEqual(new Set());
      await expect(catalogue.close(dataset('nothing'))).rejects.toThrow(ItemError);
    });

    test('a dataset is pinned once, and is free again', async () => {
      const copy = copyOf('pinned');
      const [place] = fixture.places;
      await catalogue.addCopies(place, [copy]);
      const one = { ...dataset('pin'), run: 1 };
      const two = { ...dataset('pin2'), run: 1 };
      await catalogue.makeDatasets([one, two]);
      await catalogue.attach([one, two].map((set) => ({ dataset: set, files: [copy] })));
      await catalogue.pin([one], place);
      await catalogue.pin([one, two], place);
      await catalogue.unpin(one, place);
      await catalogue.unpin(one, place);
    });

    test('copies become bad, good again, and go', async () => {
      const copies = [copyOf('bad'), copyOf('good')] as const;
      const [place] = fixture.places;
      await catalogue.addCopies(place, copies);
      const state = async (copy: NewCopy) => (await file(copy)).copies.get(place)?.state;
      for (let twice = 0; twice < 2; twice++) await catalogue.declareBad(place, [copies[0]], 'checksum differs');
      expect([await state(copies[0]), await state(copies[1])]).toEqual(['bad', 'available']);
      for (let twice = 0; twice < 2; twice++) await catalogue.declareGood(place, [copies[0]]);
      expect(await state(copies[0])).toBe('available');
      for (let twice = 0; twice < 2; twice++) await catalogue.dropCopies(place, copies);
    });

    test('a copy that goes while somebody pins it is declared bad; one that is not there is no error', async () => {
      const copy = copyOf('held');
      const [place] = fixture.places;
      await catalogue.addCopies(place, [copy]);
      const one = { ...dataset('heldset'), run: 1 };
      await catalogue.makeDatasets([one]);
      await catalogue.attach([{ dataset: one, files: [copy] }]);
      await catalogue.pin([one], place);
      await catalogue.dropCopies(place, [copy, copyOf('never')]);
      expect((await file(copy)).copies.get(place)?.state).toBe('bad');
    });

    test('a GUID is corrected', async () => {
      const copy = copyOf('guid');
      await catalogue.addCopies(fixture.places[0], [copy]);
      const guid = randomUUID();
      await catalogue.setGuid(copy, guid);
      expect((await file(copy)).guid).toBe(guid);
    });

    test('the files of a scope are listed', async () => {
      const copies = [copyOf('list1'), copyOf('list2')];
      await catalogue.addCopies(fixture.places[0], copies);
      const found: string[] = [];
      for await (const page of catalogue.files(fixture.scope)) found.push(...page.map(({ name }) => name));
      expect(found).toEqual(expect.arrayContaining(copies.map(({ name }) => name)));
    });

    test('login, scope and places are probed', async () => {
      const found = [];
      for await (const one of catalogue.probe([fixture.scope, 'nobody'], [fixture.places[0], 'NOWHERE']))
        found.push(one);
      expect(found.map(({ subject, ok }) => `${subject} ${ok}`)).toEqual([
        'login true',
        `scope ${fixture.scope} true`,
        'scope nobody false',
        `place ${fixture.places[0]} true`,
        'place NOWHERE false',
      ]);
      for (const { ok, next } of found) expect(ok || next !== undefined).toBe(true);
    });

    test('a wrong password is an error of credentials, and does not show it', async () => {
      const wrong = await fixture.openWrong();
      const error = await wrong.look([copyOf('a')]).catch((thrown: unknown) => thrown);
      await wrong.end();
      expect(error).toBeInstanceOf(CredentialsError);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong-password');
    });
  });
}
