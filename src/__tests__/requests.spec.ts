import { arrange } from '../model/requests';
import { makeCall } from './fixtures';

const one = makeCall({ id: 'c_1' });
const two = makeCall({ id: 'c_2' });
const three = makeCall({ id: 'c_3' });
const near = () => true;
const far = () => false;
const nearOthers = (_: string, waitsBelow: boolean) => waitsBelow;
const ids = (places: ReturnType<typeof arrange>) =>
  places.map(place => place.request.id + (place.settled ? ' settled' : ''));
const same = () => null;

describe('arrange', () => {
  it('puts new requests below', () => {
    const before = arrange([], [two], far, same);
    expect(ids(arrange(before, [one, two, three], near, same))).toEqual([
      'c_2',
      'c_1',
      'c_3'
    ]);
  });

  it('keeps the place of a decided request while the person is near', () => {
    const before = arrange([], [one, two], far, same);
    const after = arrange(before, [two], near, same);
    expect(ids(after)).toEqual(['c_1 settled', 'c_2']);
    expect(ids(arrange(after, [two], far, same))).toEqual(['c_2']);
  });

  it('keeps an empty place at the end only on request', () => {
    const before = arrange([], [one, two], far, same);
    expect(ids(arrange(before, [one], nearOthers, same))).toEqual(['c_1']);
    expect(ids(arrange(before, [one], near, same))).toEqual([
      'c_1',
      'c_2 settled'
    ]);
  });
});
