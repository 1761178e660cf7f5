/** What the demo fans out when no command file is given: reads, a write with the read that proves it, and an Exec. */
export const BUILT_IN_COMMANDS = `<Get>
  <CmdID>1</CmdID>
  <Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item>
</Get>
<Replace>
  <CmdID>2</CmdID>
  <Item>
    <Target><LocURI>./Vendor/Demo/Label</LocURI></Target>
    <Meta><Format xmlns="syncml:metinf">chr</Format><Type xmlns="syncml:metinf">text/plain</Type></Meta>
    <Data>fanned out</Data>
  </Item>
</Replace>
<Get>
  <CmdID>3</CmdID>
  <Item><Target><LocURI>./Vendor/Demo/Label</LocURI></Target></Item>
</Get>
<Exec>
  <CmdID>4</CmdID>
  <Item><Target><LocURI>./Vendor/Demo/Reset</LocURI></Target></Item>
</Exec>
`;
